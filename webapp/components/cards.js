// Cards with a picture, a title and a detail: a strip to move along, or a grid to open from.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ id: number, title: string, src: string | null, detail: string, hint: string | null }} CardData
 * @typedef {{ cards: CardData[], layout: "grid" | "strip" | "photos", current: number | null, label: string }} Data
 * @typedef {{ button: HTMLButtonElement, image: HTMLImageElement, title: HTMLElement, detail: HTMLElement }} Card
 * @typedef {{
 *   root: HTMLElement, list: HTMLElement, byId: Map<number, Card>, current: number | null | undefined,
 *   choose: (id: number) => void, life: AbortController,
 * }} Cards
 */

/** @type {WeakMap<ParentNode, Cards>} */
const instances = new WeakMap()

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let cards = instances.get(parentElement)
  if (cards?.root !== root) {
    cards?.life.abort()
    instances.set(parentElement, (cards = makeCards(root)))
  }
  const { life } = cards
  cards.choose = id => setTriggerValue("chosen", id)
  draw(cards, data)
  return () => void setTimeout(() => root.isConnected || life.abort())
}

/**
 * @param {HTMLElement} root
 * @returns {Cards}
 */
function makeCards(root) {
  const list = document.createElement("div")
  list.setAttribute("role", "group")
  root.append(list)
  const life = new AbortController()
  const { signal } = life
  /** @type {Cards} */
  const cards = { root, list, byId: new Map(), current: undefined, choose: () => {}, life }
  list.addEventListener("click", event => {
    const card = cardAt(event)
    if (card) cards.choose(Number(card.dataset.id))
  }, { signal })
  list.addEventListener("keydown", event => {
    const card = cardAt(event)
    if (!card || !["ArrowRight", "ArrowLeft"].includes(event.key)) return
    const other = event.key === "ArrowRight" ? card.nextElementSibling : card.previousElementSibling
    if (other instanceof HTMLElement) other.focus()
    event.preventDefault()
  }, { signal })
  return cards
}

/** @param {Event} event */
function cardAt(event) {
  const target = event.target instanceof Element ? event.target : null
  return /** @type {HTMLElement | null} */ (target?.closest(".card") ?? null)
}

/**
 * @param {Cards} cards
 * @param {Data} data
 */
function draw(cards, data) {
  cards.list.className = data.layout
  cards.list.setAttribute("aria-label", data.label)
  const wanted = new Set(data.cards.map(card => card.id))
  for (const [id, card] of cards.byId) if (!wanted.has(id)) { card.button.remove(); cards.byId.delete(id) }
  data.cards.forEach((one, place) => {
    const card = cards.byId.get(one.id) ?? makeCard(cards, one.id)
    fill(card, one, data.current === one.id)
    const there = cards.list.children[place]
    if (there !== card.button) cards.list.insertBefore(card.button, there ?? null)
  })
  if (cards.current !== data.current) reveal(cards, data.current)
}

/**
 * @param {Cards} cards
 * @param {number} id
 * @returns {Card}
 */
function makeCard(cards, id) {
  const button = document.createElement("button")
  button.type = "button"
  button.className = "card"
  button.dataset.id = String(id)
  const picture = document.createElement("span")
  picture.className = "picture"
  picture.style.display = "block"
  const image = document.createElement("img")
  image.loading = "lazy"
  image.decoding = "async"
  image.draggable = false
  image.alt = ""
  image.addEventListener("error", () => { image.style.display = "none" })
  picture.append(image, silhouette())
  const [title, detail] = [line("title"), line("detail")]
  button.append(picture, title, detail)
  const card = { button, image, title, detail }
  cards.byId.set(id, card)
  return card
}

/** Head and shoulders, in a colour of the theme. */
function silhouette() {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  drawn.setAttribute("viewBox", "0 0 100 100")
  drawn.setAttribute("aria-hidden", "true")
  const figure = document.createElementNS("http://www.w3.org/2000/svg", "path")
  figure.setAttribute("d", "M50 18a17 20 0 1 0 0 40a17 20 0 1 0 0-40M14 100a36 34 0 0 1 72 0z")
  drawn.append(figure)
  return drawn
}

/** @param {string} name */
function line(name) {
  return Object.assign(document.createElement("span"), { className: name })
}

/**
 * @param {Card} card
 * @param {CardData} one
 * @param {boolean} isCurrent
 */
function fill({ button, image, title, detail }, one, isCurrent) {
  if (!one.src) image.style.display = "none"
  else if (image.getAttribute("src") !== one.src) Object.assign(image, { src: one.src }).style.display = ""
  title.textContent = one.title
  detail.textContent = one.detail
  detail.style.display = one.detail ? "" : "none"
  button.title = one.hint ?? one.title
  button.setAttribute("aria-label", [one.hint ?? one.title, one.detail].filter(Boolean).join(", "))
  if (isCurrent) button.setAttribute("aria-current", "true")
  else button.removeAttribute("aria-current")
}

/**
 * Only the strip moves; the page stays where it is.
 * @param {Cards} cards
 * @param {number | null} current
 */
function reveal(cards, current) {
  cards.current = current
  const button = current === null ? null : cards.byId.get(current)?.button
  if (!button || cards.list.className !== "strip") return
  const [list, middle] = [cards.list, button.offsetLeft - cards.list.offsetLeft + button.offsetWidth / 2]
  list.scrollTo({ left: middle - list.clientWidth / 2, behavior: "smooth" })
}
