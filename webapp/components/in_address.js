// What lies over the page stands in its address: it can be reloaded and shared, and Back closes it and leaves the page as
// it is: on a phone that is how one closes.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ name: string, value: string }} Data a parameter of the address; an empty value takes away what was left
 */

/** @type {WeakSet<HTMLElement>} */
const entered = new WeakSet()
let lyingOver = 0

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data: { name, value } }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  if (!value) return tidy(name)
  if (!entered.has(root)) enter(root, name)
  if (history.state?.isOver) history.replaceState(history.state, "", addressWith(name, value)) // else Back has closed it
  return () => void setTimeout(() => root.isConnected || leave(root))
}

/**
 * An entry of its own in the history, above one of the page alone; after a reload both are there.
 * @param {HTMLElement} root
 * @param {string} name
 */
function enter(root, name) {
  entered.add(root)
  lyingOver += 1
  if (history.state?.isOver) return
  history.replaceState(history.state, "", addressWith(name, ""))
  history.pushState({ ...history.state, isOver: true }, "")
}

/**
 * An entry of its own is gone back from anyway.
 * @param {string} name
 * @returns {Cleanup}
 */
function tidy(name) {
  const isLeft = new URL(location.href).searchParams.has(name) && !history.state?.isOver
  if (isLeft) history.replaceState(history.state, "", addressWith(name, ""))
  return () => {}
}

/** @param {HTMLElement} root */
function leave(root) {
  if (!entered.delete(root)) return
  lyingOver -= 1
  setTimeout(() => { if (!lyingOver && history.state?.isOver) history.back() }) // unless it is only drawn anew
}

/**
 * @param {string} name
 * @param {string} value empty to leave the parameter out
 */
function addressWith(name, value) {
  const address = new URL(location.href)
  if (value) address.searchParams.set(name, value)
  else address.searchParams.delete(name)
  return address
}
