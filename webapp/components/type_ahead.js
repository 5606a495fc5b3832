// A box for a name: people whose name matches, the best first; a new person only when chosen as such, be it one of the same name.

import { matching, newName, peopleAt } from "./people_choices.js"

/**
 * @import { Person } from "./people_choices.js"
 * @typedef {{ onPerson: (person: Person) => void, onNew: (name: string) => void, onLeave: () => void }} Takes
 */

/**
 * @template {keyof HTMLElementTagNameMap} Kind
 * @param {Kind} kind
 * @param {string} name
 * @param {(Node | string)[]} children
 */
export function element(kind, name, ...children) {
  const made = document.createElement(kind)
  if (name) made.className = name
  made.append(...children)
  return made
}

/**
 * What was typed into a box goes into the one drawn in its place.
 * @param {Element | null} input
 * @param {string} typed
 */
export function retype(input, typed) {
  if (!(input instanceof HTMLInputElement)) return
  input.value = typed
  input.dispatchEvent(new Event("input"))
}

/**
 * The input and its list, to be put into the page, and what closes the list. Enter takes the first match, Shift+Enter a
 * new person, Escape leaves.
 * @param {() => string} address of the people
 * @param {Takes} takes
 */
export function typeAhead(address, takes) {
  const input = element("input", "name")
  const list = element("ul", "list")
  list.id = "names"
  list.setAttribute("role", "listbox")
  list.setAttribute("aria-label", "People")
  Object.assign(input, { type: "text", autocomplete: "off", spellcheck: false, placeholder: "Who is this?", maxLength: 100 })
  for (const [name, value] of [["role", "combobox"], ["aria-label", "Name"], ["aria-autocomplete", "list"],
    ["aria-controls", "names"], ["aria-expanded", "false"]]) input.setAttribute(name, value)
  /** @type {(Person | null)[]} */
  let shown = []
  let active = -1
  let fresh = ""

  const mark = () => {
    for (const [place, item] of [...list.children].entries()) {
      item.setAttribute("aria-selected", String(place === active))
      if (place === active) item.scrollIntoView({ block: "nearest" })
    }
    if (active >= 0 && shown.length) input.setAttribute("aria-activedescendant", `name-${active}`)
    else input.removeAttribute("aria-activedescendant")
  }
  const suggest = () => {
    const { people, coming } = peopleAt(address())
    if (!people) return void coming.then(() => { if (isFocused(input)) suggest() }, () => {})
    const typed = input.value.trim()
    shown = matching(people, typed)
    if (typed) shown.push(null)
    active = typed ? 0 : -1
    fresh = newName(people, typed)
    list.replaceChildren(...shown.map((person, place) => option(person, place, newPerson(typed, fresh))))
    input.setAttribute("aria-expanded", String(shown.length > 0))
    mark()
  }
  const fold = () => {
    list.replaceChildren()
    shown = []
    input.setAttribute("aria-expanded", "false")
    input.removeAttribute("aria-activedescendant")
  }
  /** @param {boolean} isNew */
  const enter = isNew => {
    const { people, coming } = peopleAt(address())
    // Who typed faster than the people came means the first match, not a new person.
    if (!people) return void coming.then(() => { if (isFocused(input)) { suggest(); enter(isNew) } }, () => {})
    take(isNew && shown.at(-1) === null ? shown.length - 1 : active)
  }
  /** @param {number} place */
  const take = place => {
    const person = shown[place]
    if (person) takes.onPerson(person)
    else if (person === null) takes.onNew(fresh)
  }
  input.addEventListener("input", suggest)
  input.addEventListener("focus", suggest)
  input.addEventListener("keydown", event => {
    event.stopPropagation() // what is typed here is no key of the page
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && shown.length) {
      active = ((active < 0 && step < 0 ? 0 : active) + step + shown.length) % shown.length
      mark()
    } else if (event.key === "Escape") takes.onLeave()
    else if (event.key === "Enter" && !event.isComposing) {
      enter(event.shiftKey)
    } else return
    event.preventDefault()
  })
  list.addEventListener("pointerdown", event => event.preventDefault()) // the input keeps the focus
  list.addEventListener("click", event => {
    const item = event.target instanceof Element ? event.target.closest("li") : null
    if (item) take(Number(item.dataset.place))
  })
  return { input, list, fold }
}

/**
 * @param {string} typed
 * @param {string} name that the new person gets
 */
const newPerson = (typed, name) => name === typed ? `New person “${name}”` : `Another “${typed}”: “${name}”`

/** @param {HTMLInputElement} input */
function isFocused(input) {
  const top = input.getRootNode()
  return (top instanceof ShadowRoot || top instanceof Document) && top.activeElement === input
}

/**
 * @param {Person | null} person
 * @param {number} place
 * @param {string} otherwise
 */
function option(person, place, otherwise) {
  const picture = person?.src ? Object.assign(element("img", ""), { src: person.src, alt: "" }) : element("i", "", person ? "·" : "+")
  const item = element("li", "", picture, element("span", "who", person?.name ?? otherwise))
  item.append(element("span", "note", person?.note ?? ""))
  item.id = `name-${place}`
  item.dataset.place = String(place)
  item.setAttribute("role", "option")
  return item
}
