// Who is signed in, and a button to sign out. Asks the server now and then whether the session still stands: when it
// does not, nothing of the library may stay on the screen.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ name: string, account: string, signIn: string, signOut: string, state: string }} Data
 * @typedef {{ root: HTMLElement, stop: AbortController, timer: number, drawn: string }} Account
 */

/** @type {WeakMap<ParentNode, Account>} */
const instances = new WeakMap()
const EVERY_MS = 5000

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let account = instances.get(parentElement)
  if (account?.root !== root) {
    if (account) dispose(account)
    instances.set(parentElement, (account = watch(root, data)))
  }
  const current = account
  draw(current, data)
  return () => void setTimeout(() => root.isConnected || dispose(current))
}

/**
 * @param {HTMLElement} root
 * @param {Data} data
 * @returns {Account}
 */
function watch(root, data) {
  const stop = new AbortController()
  const ask = () => check(data)
  const options = { signal: stop.signal }
  addEventListener("pageshow", ask, options)  // the browser's Back may show a page as it was
  addEventListener("online", ask, options)
  document.addEventListener("visibilitychange", () => document.hidden || ask(), options)
  return { root, stop, timer: setInterval(() => document.hidden || ask(), EVERY_MS), drawn: "" }
}

/** @param {Data} data */
async function check(data) {
  const answer = await fetch(data.state, { cache: "no-store", redirect: "manual" }).catch(() => null)
  if (answer?.status !== 401) return
  const root = data.signIn.slice(0, -"/sign-in".length)
  const here = (location.pathname + location.search).slice(root.length)
  location.replace(`${data.signIn}?next=${encodeURIComponent(here)}`)
}

/** @param {Account} account */
function dispose(account) {
  clearInterval(account.timer)
  account.stop.abort()
}

/**
 * @param {Account} account
 * @param {Data} data
 */
function draw(account, data) {
  const state = JSON.stringify(data)
  if (state === account.drawn) return
  account.drawn = state
  const name = Object.assign(document.createElement("a"), {
    className: "name", href: data.account, textContent: data.name, title: "Your account",
  })
  account.root.replaceChildren(name)
  if (!data.signOut) return
  const form = Object.assign(document.createElement("form"), { method: "post", action: data.signOut })
  form.append(Object.assign(document.createElement("button"), { type: "submit", textContent: "Sign out" }))
  account.root.append(form)
}
