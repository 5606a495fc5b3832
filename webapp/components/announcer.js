// What was done, for screen readers; and a link past the navigation, the first stop of the Tab key.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ turn: number, text: string }} Data
 */

const SKIP = "skip-to-content"

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
  if (!document.getElementById(SKIP)) document.body.prepend(makeLink())
  return () => {}
}

/** @param {HTMLElement} root */
function makeLive(root) {
  const live = Object.assign(document.createElement("div"), { className: "live" })
  live.setAttribute("role", "status")
  root.append(live)
  return live
}

function makeLink() {
  const link = Object.assign(document.createElement("a"), { id: SKIP, href: "#", textContent: "Skip to content" })
  link.addEventListener("click", event => {
    event.preventDefault()
    const main = /** @type {HTMLElement | null} */ (document.querySelector(".stMainBlockContainer"))
    if (!main) return
    main.tabIndex = -1
    main.focus({ preventScroll: true })
  })
  return link
}
