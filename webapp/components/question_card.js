// One question with its faces, photo and answers, for keys, mouse and thumb alike. Every answer goes to Python with the
// key of the question that it is for; until the next question is drawn, further answers are not taken.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ id: number, src: string, title: string, photo: number, whole?: Photo | null }} Face
 * @typedef {{ src: string, caption: string, left: number, top: number, width: number, height: number }} Photo
 * @typedef {{ answer: string, label: string, keys: string[], kind: string, person?: number, hint: string, chosen: string }} Answer
 * @typedef {{
 *   turn: number, question: string, title: string, reason: string, place: string, faces: Face[], selectable: boolean,
 *   preselected: boolean, photo: Photo | null, beside: { title: string, faces: Face[] }[], answers: Answer[], people: string,
 *   naming: boolean, error: string, next: string[], keys: [string, string, string][],
 * }} Data
 * @typedef {{
 *   root: HTMLElement, data: Data, turn: number | null, isWaiting: boolean, question: string, off: Set<number>, isHelpOpen: boolean,
 *   rebinding: string,
 *   input: HTMLInputElement, list: HTMLElement, fold: () => void,
 *   send: (name: string, value: unknown) => void, life: AbortController,
 * }} Card
 */

import { peopleAt } from "./people_choices.js"
import { element, typeAhead } from "./type_ahead.js"

/** @type {WeakMap<ParentNode, Card>} */
const instances = new WeakMap()

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let card = instances.get(parentElement)
  if (card?.root !== root) {
    card?.life.abort()
    instances.set(parentElement, (card = makeCard(root, data)))
  }
  const { life } = card
  card.send = setTriggerValue
  draw(card, data)
  return () => void setTimeout(() => root.isConnected || life.abort())
}

/**
 * @param {HTMLElement} root
 * @param {Data} data
 * @returns {Card}
 */
function makeCard(root, data) {
  const life = new AbortController()
  const { signal } = life
  const { input, list, fold } = typeAhead(() => card.data.people, {
    onPerson: person => reply(card, { answer: "person", person: person.id }),
    onNew: name => reply(card, { answer: "new", name }),
    onLeave: () => input.blur(),
  })
  /** @type {Card} */
  const card = { root, data, turn: null, isWaiting: false, question: "", off: new Set(), isHelpOpen: false, rebinding: "", input, list, fold, send: () => {}, life }
  input.addEventListener("blur", fold, { signal })
  globalThis.addEventListener("keydown", event => onKey(card, event), { signal })
  return card
}

// --- drawing -------------------------------------------------------------------------------------------------------

/**
 * @param {Card} card
 * @param {Data} data
 */
function draw(card, data) {
  const before = card.data
  card.data = data
  if (card.turn === data.turn) return
  const isTyping = card.root.contains(shadowFocus(card)) && shadowFocus(card) === card.input
  card.turn = data.turn
  card.isWaiting = false
  card.root.removeAttribute("aria-busy")
  card.off = unchosen(card, before)
  card.question = data.question
  if (!data.error) card.input.value = ""
  const heading = element("header", "", element("h2", "", data.title), element("span", "place", data.place))
  heading.setAttribute("aria-live", "polite")
  const parts = [heading, element("p", "reason", data.reason)]
  parts.push(element("div", "stage", faces(card), aside(data)))
  card.root.replaceChildren(...parts, answers(card), help(card))
  relabel(card)
  if (isTyping && data.error) card.input.focus({ preventScroll: true })
  else if (!data.error) card.input.blur()
  for (const src of data.next) new Image().src = src
  peopleAt(data.people)
}

/**
 * What was chosen stays so while the question does: after an error, or when some of its faces have got their answer.
 * @param {Card} card
 * @param {Data} before
 */
function unchosen({ data, question, off }, before) {
  if (!data.selectable) return new Set()
  const known = new Set(question === data.question ? before.faces.map(face => face.id) : [])
  return new Set(data.faces.map(face => face.id).filter(id => known.has(id) ? off.has(id) : !data.preselected))
}

/** @param {Card} card */
function shadowFocus(card) {
  const top = card.root.getRootNode()
  return top instanceof ShadowRoot || top instanceof Document ? top.activeElement : null
}

/** @param {Card} card */
function faces(card) {
  const { data } = card
  const grid = element("div", data.faces.length > 1 ? "faces many" : "faces")
  grid.classList.toggle("apart", !data.preselected)
  for (const [place, face] of data.faces.entries()) {
    const image = Object.assign(element("img", ""), { src: face.src, alt: data.selectable ? "" : face.title, title: face.title })
    if (!data.selectable) { grid.append(element("div", "face", image)); continue }
    const tile = element("button", "face", image, element("span", "tick", "✓"))
    tile.type = "button"
    tile.dataset.id = String(face.id)
    tile.setAttribute("aria-label", face.title)
    tile.setAttribute("aria-pressed", String(!card.off.has(face.id)))
    tile.addEventListener("click", () => toggle(card, face.id))
    if (!data.preselected) digit(card, tile, face, place)
    grid.append(tile)
  }
  return grid
}

/**
 * The key of a face that is chosen by itself, and its photo while it is looked at.
 * @param {Card} card
 * @param {HTMLElement} tile
 * @param {Face} face
 * @param {number} place
 */
function digit(card, tile, face, place) {
  const key = String((place + 1) % 10)
  const badge = element("kbd", "digit", key)
  badge.setAttribute("aria-hidden", "true")
  tile.setAttribute("aria-keyshortcuts", key)
  tile.append(badge)
  for (const event of ["pointerenter", "focus"]) tile.addEventListener(event, () => lookAt(card, face))
}

/**
 * @param {Card} card
 * @param {Face} face
 */
function lookAt(card, face) {
  if (face.whole) card.root.querySelector("figure")?.replaceWith(photo(face.whole))
}

/**
 * @param {Card} card
 * @param {number} face
 */
function toggle(card, face) {
  const isOff = card.off.delete(face) === false
  if (isOff) card.off.add(face)
  card.root.querySelector(`[data-id="${face}"]`)?.setAttribute("aria-pressed", String(!isOff))
  relabel(card)
}

/**
 * What the answers and the name are for, where they are for what is chosen.
 * @param {Card} card
 */
function relabel(card) {
  const { data, off } = card
  const count = data.faces.length - off.size
  const isApart = !data.preselected
  const whose = count > 1 ? `Name of the ${count} chosen faces` : count ? "Name of the chosen face" : "Choose faces, then type a name"
  card.input.placeholder = isApart ? whose : "Type or choose a name"
  if (!isApart) return
  for (const [place, button] of [...card.root.querySelectorAll(".answers button")].entries()) {
    const { label, chosen } = data.answers[place]
    if (button.firstElementChild && chosen) button.firstElementChild.textContent = count ? chosen : label
  }
}

/** @param {Data} data */
function aside(data) {
  const side = element("div", "aside")
  if (data.photo) side.append(photo(data.photo))
  for (const { title, faces } of data.beside) {
    const strip = element("div", "strip")
    for (const face of faces) strip.append(Object.assign(element("img", ""), { src: face.src, alt: "", title: face.title }))
    side.append(element("section", "", element("h3", "", title), strip))
  }
  return side
}

/** @param {Photo} shown */
function photo(shown) {
  const image = Object.assign(element("img", ""), { src: shown.src, alt: "The whole photo" })
  const box = element("div", "box")
  const { left, top, width, height } = shown
  Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` })
  const frame = element("div", "frame", image, box)
  image.addEventListener("error", () => frame.replaceChildren(element("p", "gone", "This photo is no longer there.")))
  return element("figure", "", frame, element("figcaption", "", shown.caption))
}

/** @param {Card} card */
function answers(card) {
  const { data } = card
  const bar = element("div", "answers")
  for (const answer of data.answers) {
    const button = element("button", answer.kind, element("span", "", answer.label))
    button.type = "button"
    button.title = answer.hint
    if (answer.keys.length) button.append(element("kbd", "", answer.keys[0]))
    button.addEventListener("click", () => reply(card, answer))
    bar.append(button)
  }
  const error = element("div", "error", data.error)
  error.setAttribute("role", "alert")
  const box = element("div", "box-row", card.input, card.list, error)
  box.hidden = !data.naming
  return element("div", "bar", box, bar)
}

/** @param {Card} card */
function help(card) {
  const rows = card.data.keys.map(([action, key, what]) => element("div", "", keycap(card, action, key, what), what))
  const hint = card.rebinding ? "Press the new key. Escape keeps the old one." : "Choose a framed key to change it. Only yours changes."
  const note = element("p", "reason", hint)
  note.setAttribute("aria-live", "polite")
  const panel = element("div", "keys", ...rows, note)
  panel.hidden = !card.isHelpOpen
  const button = element("button", "help", "Keys ", element("kbd", "", "?"))
  button.type = "button"
  button.setAttribute("aria-expanded", String(card.isHelpOpen))
  button.addEventListener("click", () => showHelp(card))
  return element("footer", "", button, panel)
}

/**
 * A key, as a button where another one can be chosen.
 * @param {Card} card
 * @param {string} action
 * @param {string} key
 * @param {string} what
 */
function keycap(card, action, key, what) {
  if (!action) return element("kbd", "", key)
  const isAsked = card.rebinding === action
  const button = element("button", "keycap", element("kbd", "", isAsked ? "…" : key))
  button.type = "button"
  button.title = "Choose another key"
  button.setAttribute("aria-label", `${key}: ${what}. Choose another key`)
  button.setAttribute("aria-pressed", String(isAsked))
  button.addEventListener("click", () => rebind(card, isAsked ? "" : action))
  return button
}

/**
 * @param {Card} card
 * @param {string} action whose key is pressed next; "" for none
 */
function rebind(card, action) {
  card.rebinding = action
  card.root.querySelector("footer")?.replaceWith(help(card))
}

/** @param {Card} card */
function showHelp(card) {
  card.rebinding = ""
  card.isHelpOpen = !card.isHelpOpen
  card.root.querySelector("footer")?.replaceWith(help(card))
}

// --- answering -----------------------------------------------------------------------------------------------------

/**
 * @param {Card} card
 * @param {Pick<Answer, "answer" | "person"> & { name?: string }} given
 */
function reply(card, given) {
  if (card.isWaiting) return
  card.isWaiting = true
  card.root.setAttribute("aria-busy", "true")
  card.fold()
  const { answer, person, name } = given
  card.send("answered", { turn: card.data.turn, question: card.data.question, answer, person, name, left_out: [...card.off] })
}

/**
 * Letters are keys, unless somebody types into a field or a dialog is open.
 * @param {Card} card
 * @param {KeyboardEvent} event
 */
function onKey(card, event) {
  const at = event.composedPath()[0]
  const isField = at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName))
  if (isField || !card.root.isConnected || document.querySelector("[role=dialog]")) return
  if (card.rebinding) return onNewKey(card, event)
  const key = event.key.toUpperCase()
  const isUndo = event.ctrlKey ? key === "Z" : card.data.keys.some(([action, chosen]) => action === "undo" && chosen === key)
  if (event.altKey || event.metaKey || (event.ctrlKey && !isUndo)) return
  if (isUndo) reply(card, { answer: "undo" })
  else if (event.key === "?") showHelp(card)
  else if (event.key === "Enter" && card.data.naming && !(at instanceof HTMLButtonElement)) card.input.focus({ preventScroll: true })
  else {
    const face = faceOf(card, key)
    const wanted = card.data.answers.find(answer => answer.keys.includes(key))
    if (face) { toggle(card, face.id); lookAt(card, face) } else if (wanted) reply(card, wanted)
    else return
  }
  event.preventDefault()
  event.stopImmediatePropagation()
}

/**
 * The face that a digit chooses.
 * @param {Card} card
 * @param {string} key
 */
function faceOf({ data }, key) {
  return !data.preselected && /^\d$/.test(key) ? data.faces[(Number(key) + 9) % 10] : undefined
}

/**
 * @param {Card} card
 * @param {KeyboardEvent} event
 */
function onNewKey(card, event) {
  if (event.key === "Tab" || event.key === "Shift" || event.altKey || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  event.stopImmediatePropagation()
  const action = card.rebinding
  rebind(card, "")
  if (event.key !== "Escape") card.send("rebound", { action, key: event.key })
}
