// One box to type a new name or pick a person. Unlike a select box it keeps what is typed when the focus leaves, so
// that "type, click the button" works; Enter asks Python to go ahead. Text carries the revision that it was typed
// for: after a naming the box is empty again, and a late message with the old name means nothing.

import { matching, newName, peopleAt } from "./people_choices.js"

const PATIENCE_MS = 300

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @import { Person } from "./people_choices.js"
 * @typedef {{
 *   people: string, label: string, placeholder: string, revision: number, error: string | null, text: string,
 *   focus: boolean,
 * }} Data
 * @typedef {{
 *   root: HTMLElement, input: HTMLInputElement, list: HTMLElement, error: HTMLElement, people: string,
 *   active: number, timer: number | null, revision: number | null,
 *   send: (text: string, isEntered: boolean) => void, life: AbortController,
 * }} Box
 */

/** @type {WeakMap<ParentNode, Box>} */
const instances = new WeakMap()

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let box = instances.get(parentElement)
  if (box?.root !== root) {
    box?.life.abort()
    instances.set(parentElement, (box = makeBox(root)))
  }
  const { life } = box
  box.send = (text, isEntered) => {
    setStateValue("typed", { text, revision: data.revision })
    if (isEntered) setTriggerValue("entered", { text, revision: data.revision })
  }
  update(box, data)
  return () => void setTimeout(() => root.isConnected || life.abort())
}

/**
 * @param {HTMLElement} root
 * @returns {Box}
 */
function makeBox(root) {
  const input = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", spellcheck: false })
  const list = Object.assign(document.createElement("ul"), { className: "list", id: "list" })
  const error = Object.assign(document.createElement("div"), { className: "error", id: "error" })
  error.setAttribute("role", "alert")
  list.setAttribute("role", "listbox")
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", "list"],
    ["aria-expanded", "false"], ["aria-describedby", "error"]]) input.setAttribute(name, value)
  root.append(input, list, error)
  const life = new AbortController()
  const { signal } = life
  /** @type {Box} */
  const box = {
    root, input, list, error, people: "", active: -1, timer: null, revision: null, send: () => {}, life,
  }
  input.addEventListener("input", () => { blame(box, ""); open(box); tell(box) }, { signal })
  input.addEventListener("pointerdown", () => open(box), { signal }) // not on focus: the cursor may come here by itself
  input.addEventListener("blur", () => { close(box); flush(box) }, { signal })
  input.addEventListener("keydown", event => onKey(box, event), { signal })
  list.addEventListener("pointerdown", event => {
    event.preventDefault() // the input keeps the focus
    const item = event.target instanceof Element ? event.target.closest("li") : null
    if (item) pick(box, item.dataset.name ?? "")
  }, { signal })
  signal.addEventListener("abort", () => clearTimeout(box.timer ?? undefined))
  return box
}

/**
 * @param {Box} box
 * @param {Data} data
 */
function update(box, data) {
  box.people = data.people
  peopleAt(data.people)
  box.input.placeholder = data.placeholder
  box.input.setAttribute("aria-label", data.label)
  if (box.revision !== data.revision) {
    const isFirst = box.revision === null
    box.revision = data.revision
    box.input.value = isFirst ? data.text : ""
    close(box)
    if (data.focus) box.input.focus({ preventScroll: true })
  }
  blame(box, data.error)
}

/**
 * @param {Box} box
 * @param {string | null} sentence
 */
function blame(box, sentence) {
  box.error.textContent = sentence ?? ""
  box.input.setAttribute("aria-invalid", String(Boolean(sentence)))
}

// --- telling Python ------------------------------------------------------------------------------------------------

/** @param {Box} box */
function tell(box) {
  clearTimeout(box.timer ?? undefined)
  box.timer = setTimeout(() => flush(box), PATIENCE_MS)
}

/** @param {Box} box */
function flush(box) {
  if (box.timer === null) return
  clearTimeout(box.timer)
  box.timer = null
  box.send(box.input.value, false)
}

/** @param {Box} box */
function enter(box) {
  clearTimeout(box.timer ?? undefined)
  box.timer = null
  close(box)
  box.send(box.input.value, true)
}

// --- suggestions ---------------------------------------------------------------------------------------------------

/** @param {Box} box */
function open(box) {
  const { people, coming } = peopleAt(box.people)
  const typed = box.input.value.trim()
  if (!people) coming.then(() => { if (box.input.matches(":focus")) open(box) }, () => {})
  box.active = -1
  const items = matching(people ?? [], typed).map((person, place) => itemOf(person, place))
  if (typed && people) items.push(newItem(typed, newName(people, typed)))
  box.list.replaceChildren(...items)
  box.input.setAttribute("aria-expanded", String(items.length > 0))
  box.input.removeAttribute("aria-activedescendant")
}

/** @param {Box} box */
function close(box) {
  box.list.replaceChildren()
  box.active = -1
  box.input.setAttribute("aria-expanded", "false")
  box.input.removeAttribute("aria-activedescendant")
}

/**
 * @param {string} name
 * @param {string} text
 */
function span(name, text) {
  return Object.assign(document.createElement("span"), { className: name, textContent: text })
}

/**
 * @param {Person} person
 * @param {number} place
 */
function itemOf(person, place) {
  const face = person.src ? Object.assign(document.createElement("img"), { src: person.src, alt: "" }) : span("new", "·")
  return option(`person-${place}`, person.name, face, span("who", person.name), span("note", person.note))
}

/**
 * @param {string} typed
 * @param {string} name that the new person gets
 */
function newItem(typed, name) {
  const note = name === typed ? "new person" : `another ${typed}`
  return option("person-new", name, span("new", "+"), span("who", name), span("note", note))
}

/**
 * @param {string} id
 * @param {string} name
 * @param {HTMLElement[]} parts
 */
function option(id, name, ...parts) {
  const item = Object.assign(document.createElement("li"), { id })
  item.dataset.name = name
  item.setAttribute("role", "option")
  item.append(...parts)
  return item
}

/**
 * @param {Box} box
 * @param {string} name
 */
function pick(box, name) {
  box.input.value = name
  close(box)
  box.send(box.input.value, false)
}

/**
 * @param {Box} box
 * @param {number} step
 */
function move(box, step) {
  if (!box.list.children.length) open(box)
  const size = box.list.children.length
  if (!size) return
  box.active = (box.active + step + size + (box.active < 0 && step < 0 ? 1 : 0)) % size
  for (const [place, item] of [...box.list.children].entries()) item.setAttribute("aria-selected", String(place === box.active))
  const item = box.list.children[box.active]
  box.input.setAttribute("aria-activedescendant", item.id)
  item.scrollIntoView({ block: "nearest" })
}

/**
 * @param {Box} box
 * @param {KeyboardEvent} event
 */
function onKey(box, event) {
  event.stopPropagation() // what is typed here is no shortcut of the page
  if (event.key === "ArrowDown") move(box, 1)
  else if (event.key === "ArrowUp") move(box, -1)
  else if (event.key === "Escape" && box.list.children.length) close(box)
  else if (event.key === "Escape") box.input.blur()
  else if (event.key === "Enter" && !event.isComposing) {
    const item = /** @type {HTMLElement | undefined} */ (box.list.children[box.active])
    box.input.value = item?.dataset.name ?? box.input.value
    enter(box)
  } else return
  event.preventDefault()
}
