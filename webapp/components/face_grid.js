// Shows faces and lets a person choose some of them. What is chosen lives here and reaches Python a moment after the
// last click, or at once when the pointer or the focus leaves: a click on a button of the page never comes too early.

const PATIENCE_MS = 250
const ICONS = { tick: "M5 12.5l4.5 4.5L19 7.5", open: "M15 4h5v5M20 4l-7 7M9 20H4v-5M4 20l7-7" }

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ id: number, src: string, name: string | null, low: string | null, title: string }} Face
 * @typedef {{
 *   faces: Face[], selected: number[], selectable: boolean, openable: boolean, label: string, tile: string,
 *   noun: [string, string], ratio: string,
 * }} Data
 * @typedef {{ box: HTMLElement, image: HTMLImageElement, name: HTMLElement, low: HTMLElement }} Tile
 * @typedef {{
 *   root: HTMLElement, count: HTMLElement, bar: HTMLElement, faces: HTMLElement,
 *   buttons: { all: HTMLButtonElement, none: HTMLButtonElement, invert: HTMLButtonElement },
 *   chosen: Set<number>, tiles: Map<number, Tile>, ids: number[], anchor: number | null, timer: number | null,
 *   paint: { id: number, on: boolean, moved: boolean } | null, selectable: boolean, noun: [string, string],
 *   send: (ids: number[]) => void, open: (id: number) => void, life: AbortController,
 * }} Grid
 */

/** @type {WeakMap<ParentNode, Grid>} */
const instances = new WeakMap()

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let grid = instances.get(parentElement)
  if (grid?.root !== root) {
    grid?.life.abort()
    instances.set(parentElement, (grid = makeGrid(root, data.selected)))
  }
  const { life } = grid
  grid.send = ids => setStateValue("selected", ids)
  grid.open = id => { if (data.openable) setTriggerValue("opened", id) }
  draw(grid, data)
  return () => void setTimeout(() => root.isConnected || life.abort())
}

/**
 * @param {HTMLElement} root
 * @param {number[]} selected
 * @returns {Grid}
 */
function makeGrid(root, selected) {
  const bar = add(root, "div", "bar")
  const count = add(bar, "span", "count")
  count.setAttribute("aria-live", "polite")
  const buttons = { all: add(bar, "button", ""), none: add(bar, "button", ""), invert: add(bar, "button", "") }
  const faces = add(root, "div", "faces")
  faces.setAttribute("role", "listbox")
  faces.setAttribute("aria-multiselectable", "true")
  /** @type {Grid} */
  const grid = {
    root, bar, count, buttons, faces, chosen: new Set(selected), tiles: new Map(), ids: [], anchor: null, timer: null,
    paint: null, selectable: false, noun: ["face", "faces"], send: () => {}, open: () => {}, life: new AbortController(),
  }
  action(grid, buttons.all, "Select all", () => grid.ids)
  action(grid, buttons.none, "Clear selection", () => [])
  action(grid, buttons.invert, "Invert", () => grid.ids.filter(id => !grid.chosen.has(id)))
  listen(grid)
  return grid
}

/**
 * @template {keyof HTMLElementTagNameMap} Kind
 * @param {Element} parent
 * @param {Kind} kind
 * @param {string} name
 */
function add(parent, kind, name) {
  const element = document.createElement(kind)
  element.className = name
  parent.append(element)
  return element
}

/**
 * @param {Element} parent
 * @param {keyof typeof ICONS} name
 */
function addIcon(parent, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  path.setAttribute("d", ICONS[name])
  svg.append(path)
  parent.append(svg)
}

/**
 * @param {Grid} grid
 * @param {HTMLButtonElement} button
 * @param {string} label
 * @param {() => number[]} wanted
 */
function action(grid, button, label, wanted) {
  button.type = "button"
  button.textContent = label
  button.addEventListener("click", () => { choose(grid, wanted()); tell(grid) }, { signal: grid.life.signal })
}

// --- drawing -------------------------------------------------------------------------------------------------------

/**
 * @param {Grid} grid
 * @param {Data} data
 */
function draw(grid, data) {
  grid.selectable = data.selectable
  grid.noun = data.noun
  grid.ids = data.faces.map(face => face.id)
  grid.root.classList.toggle("selectable", data.selectable)
  grid.root.classList.toggle("openable", data.openable)
  grid.root.style.setProperty("--tile", data.tile)
  grid.root.style.setProperty("--ratio", data.ratio)
  grid.bar.hidden = !data.selectable
  grid.bar.style.display = data.selectable ? "" : "none"
  grid.faces.setAttribute("aria-label", data.label)
  if (data.openable) grid.faces.setAttribute("aria-keyshortcuts", "O")
  else grid.faces.removeAttribute("aria-keyshortcuts")
  const wanted = new Set(grid.ids)
  for (const [id, tile] of grid.tiles) if (!wanted.has(id)) { tile.box.remove(); grid.tiles.delete(id) }
  data.faces.forEach((face, place) => {
    const tile = grid.tiles.get(face.id) ?? makeTile(grid, face.id)
    const there = grid.faces.children[place]
    fill(tile, face)
    if (there !== tile.box) grid.faces.insertBefore(tile.box, there ?? null)
  })
  choose(grid, [...grid.chosen].filter(id => wanted.has(id)))
  if (!grid.faces.querySelector("[tabindex='0']")) grid.faces.firstElementChild?.setAttribute("tabindex", "0")
}

/**
 * @param {Grid} grid
 * @param {number} id
 * @returns {Tile}
 */
function makeTile(grid, id) {
  const box = document.createElement("div")
  box.className = "face"
  box.dataset.id = String(id)
  box.tabIndex = -1
  box.setAttribute("role", "option")
  const image = Object.assign(add(box, "img", ""), { loading: "lazy", decoding: "async", draggable: false, alt: "" })
  addIcon(add(box, "span", "tick"), "tick")
  const tile = { box, image, name: add(box, "span", "name"), low: add(box, "span", "low") }
  // For the mouse; an option of a list may hold no button. By keys, O opens the photo.
  const open = Object.assign(add(box, "span", "open"), { title: "Open photo (O)" })
  open.setAttribute("aria-hidden", "true")
  addIcon(open, "open")
  grid.tiles.set(id, tile)
  return tile
}

/**
 * @param {Tile} tile
 * @param {Face} face
 */
function fill({ box, image, name, low }, face) {
  if (face.src && image.getAttribute("src") !== face.src) image.src = face.src
  image.style.display = face.src ? "" : "none"
  box.classList.toggle("blank", !face.src)
  name.textContent = face.name ?? ""
  name.style.display = face.name ? "" : "none"
  low.textContent = face.low ?? ""
  low.style.display = face.low ? "" : "none"
  box.title = face.title
  box.setAttribute("aria-label", face.title)
}

/** @param {Grid} grid */
function show(grid) {
  for (const [id, { box }] of grid.tiles) {
    box.setAttribute("aria-selected", String(grid.selectable && grid.chosen.has(id)))
  }
  const [chosen, all] = [grid.chosen.size, grid.ids.length]
  grid.root.classList.toggle("picking", chosen > 0)
  grid.count.textContent = chosen ? `${chosen} of ${all} selected` : `${all} ${grid.noun[all === 1 ? 0 : 1]}`
  grid.count.classList.toggle("some", chosen > 0)
  grid.buttons.all.disabled = chosen === all
  grid.buttons.none.disabled = chosen === 0
}

// --- choosing ------------------------------------------------------------------------------------------------------

/**
 * @param {Grid} grid
 * @param {Iterable<number>} ids
 */
function choose(grid, ids) {
  grid.chosen = new Set(ids)
  show(grid)
}

/** @param {Grid} grid */
function tell(grid) {
  clearTimeout(grid.timer ?? undefined)
  grid.timer = setTimeout(() => flush(grid), PATIENCE_MS)
}

/** @param {Grid} grid */
function flush(grid) {
  if (grid.timer === null) return
  clearTimeout(grid.timer)
  grid.timer = null
  grid.send(grid.ids.filter(id => grid.chosen.has(id)))
}

/**
 * @param {Grid} grid
 * @param {number[]} ids
 * @param {boolean} on
 */
function set(grid, ids, on) {
  const chosen = new Set(grid.chosen)
  for (const id of ids) if (on) chosen.add(id); else chosen.delete(id)
  choose(grid, chosen)
  tell(grid)
}

/**
 * @param {Grid} grid
 * @param {number} id
 * @param {boolean} isRange
 */
function toggle(grid, id, isRange) {
  const { anchor, ids } = grid
  const [from, to] = [anchor === null ? -1 : ids.indexOf(anchor), ids.indexOf(id)]
  if (isRange && anchor !== null && from >= 0) {
    set(grid, ids.slice(Math.min(from, to), Math.max(from, to) + 1), grid.chosen.has(anchor))
  } else {
    set(grid, [id], !grid.chosen.has(id))
    grid.anchor = id
  }
}

/**
 * What of this class an event hit.
 * @param {Event} event
 * @param {string} selector
 */
function hit(event, selector) {
  const target = event.target instanceof Element ? event.target : null
  return /** @type {HTMLElement | null} */ (target?.closest(selector) ?? null)
}

/** @param {Event} event */
function idOf(event) {
  const box = hit(event, ".face")
  return box ? Number(box.dataset.id) : null
}

// --- mouse and keys ------------------------------------------------------------------------------------------------

/** @param {Grid} grid */
function listen(grid) {
  const { faces, root } = grid
  const { signal } = grid.life
  faces.addEventListener("click", event => onClick(grid, event), { signal })
  faces.addEventListener("pointerdown", event => onPress(grid, event), { signal })
  faces.addEventListener("pointerover", event => onPaint(grid, event), { signal })
  faces.addEventListener("keydown", event => onKey(grid, event), { signal })
  faces.addEventListener("focusin", event => {
    faces.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1")
    hit(event, ".face")?.setAttribute("tabindex", "0")
  }, { signal })
  root.addEventListener("pointerleave", () => flush(grid), { signal })
  root.addEventListener("focusout", event => {
    if (!(event.relatedTarget instanceof Node && root.contains(event.relatedTarget))) flush(grid)
  }, { signal })
  signal.addEventListener("abort", () => clearTimeout(grid.timer ?? undefined))
}

/**
 * The button may go up anywhere; window is listened to for just as long.
 * @param {Grid} grid
 * @param {PointerEvent} event
 */
function onPress(grid, event) {
  const id = idOf(event)
  if (id === null || event.pointerType !== "mouse" || event.button || event.shiftKey) return
  grid.paint = { id, on: !grid.chosen.has(id), moved: false }
  const release = () => void setTimeout(() => (grid.paint = null)) // a click may follow, and asks what was painted
  addEventListener("pointerup", release, { once: true, signal: grid.life.signal })
}

/**
 * @param {Grid} grid
 * @param {MouseEvent} event
 */
function onClick(grid, event) {
  const id = idOf(event)
  if (id === null) return
  if (hit(event, ".open") || !grid.selectable) return grid.open(id)
  if (!grid.paint?.moved) toggle(grid, id, event.shiftKey)
}

/**
 * Dragging over faces gives all of them what the first one got.
 * @param {Grid} grid
 * @param {PointerEvent} event
 */
function onPaint(grid, event) {
  const id = idOf(event)
  if (!grid.paint || !grid.selectable || id === null || !(event.buttons & 1)) return
  if (!grid.paint.moved && id === grid.paint.id) return
  grid.paint.moved = true
  set(grid, [grid.paint.id, id], grid.paint.on)
}

/**
 * @param {Grid} grid
 * @param {KeyboardEvent} event
 */
function onKey(grid, event) {
  const id = idOf(event)
  if (id === null) return
  const step = stepOf(grid, event.key)
  if (step) move(grid, grid.ids.indexOf(id) + step, event.shiftKey)
  else if (event.key === "Home") move(grid, 0, event.shiftKey)
  else if (event.key === "End") move(grid, grid.ids.length - 1, event.shiftKey)
  else if (event.key === "o") grid.open(id)
  else if (!grid.selectable) { if (event.key === "Enter") grid.open(id); else return }
  else if (event.key === " " || event.key === "Enter") toggle(grid, id, event.shiftKey)
  else if (event.key === "a" && (event.ctrlKey || event.metaKey)) set(grid, grid.ids, true)
  else if (event.key === "Escape" && grid.chosen.size) set(grid, grid.ids, false)
  else return
  event.preventDefault()
  event.stopPropagation()
}

/**
 * How many faces further an arrow key leads; nothing for other keys.
 * @param {Grid} grid
 * @param {string} key
 */
function stepOf(grid, key) {
  if (key === "ArrowRight" || key === "ArrowLeft") return key === "ArrowRight" ? 1 : -1
  if (key === "ArrowDown" || key === "ArrowUp") return key === "ArrowDown" ? columns(grid) : -columns(grid)
  return 0
}

/** @param {Grid} grid */
function columns(grid) {
  const tiles = grid.ids.flatMap(id => grid.tiles.get(id)?.box ?? [])
  const second = tiles.findIndex(tile => tile.offsetTop > tiles[0].offsetTop)
  return second < 0 ? tiles.length : second
}

/**
 * @param {Grid} grid
 * @param {number} place
 * @param {boolean} isRange
 */
function move(grid, place, isRange) {
  const id = grid.ids[Math.max(0, Math.min(place, grid.ids.length - 1))]
  if (isRange && grid.selectable && grid.anchor !== null && grid.chosen.has(grid.anchor)) toggle(grid, id, true)
  grid.tiles.get(id)?.box.focus()
}
