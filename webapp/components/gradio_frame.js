// A page of this server in a frame that grows and shrinks with what it shows.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ address: string, title: string }} Data
 */

const CONTENT = ".gradio-container main > *"

/** @type {WeakMap<HTMLElement, { address: string, observer: ResizeObserver }>} */
const frames = new WeakMap()

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  if (frames.get(root)?.address !== data.address) fill(root, data)
  return () => void setTimeout(() => root.isConnected || frames.get(root)?.observer.disconnect())
}

/**
 * @param {HTMLElement} root
 * @param {Data} data
 */
function fill(root, data) {
  frames.get(root)?.observer.disconnect()
  const frame = document.createElement("iframe")
  frame.title = data.title
  frame.allow = "camera; clipboard-write"
  const observer = new ResizeObserver(() => fit(frame))
  frames.set(root, { address: data.address, observer })
  frame.addEventListener("load", () => watch(frame, observer))
  frame.src = data.address
  root.replaceChildren(frame)
}

/**
 * Gradio draws its content some time after the page was loaded.
 * @param {HTMLIFrameElement} frame
 * @param {ResizeObserver} observer
 */
function watch(frame, observer) {
  if (!frame.isConnected) return
  const content = frame.contentDocument?.querySelector(CONTENT)
  if (!content) return void setTimeout(() => watch(frame, observer), 200)
  observer.observe(content)
  fit(frame)
}

/** @param {HTMLIFrameElement} frame */
function fit(frame) {
  const content = frame.contentDocument?.querySelector(CONTENT)
  if (content && frame.clientWidth) frame.style.height = `${Math.ceil(content.getBoundingClientRect().height) + 8}px`
}
