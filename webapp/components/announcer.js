// What was done, for screen readers.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ turn: number, text: string }} Data
 */

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  const live = root.querySelector(".live") ?? makeLive(root)
  if (root.dataset.turn !== String(data.turn)) {
    root.dataset.turn = String(data.turn)
    live.textContent = data.text
  }
  return () => {}
}

/** @param {HTMLElement} root */
function makeLive(root) {
  const live = Object.assign(document.createElement("div"), { className: "live" })
  live.setAttribute("role", "status")
  root.append(live)
  return live
}
