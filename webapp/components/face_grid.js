// Shows faces and lets a person choose some of them. What is chosen lives here and reaches Python a moment after the
// last click, or at once when the pointer or the focus leaves: a click on a button of the page never comes too early.

const PATIENCE_MS = 250
const ICONS = { tick: "M5 12.5l4.5 4.5L19 7.5", open: "M15 4h5v5M20 4l-7 7M9 20H4v-5M4 20l7-7" }
const grids = new WeakMap()

export default function (component) {
  const { parentElement, data, setStateValue, setTriggerValue } = component
  const root = parentElement.querySelector(".root")
  let grid = grids.get(root)
  if (!grid) grids.set(root, (grid = makeGrid(root, data.selected)))
  grid.send = ids => setStateValue("selected", ids)
  grid.open = id => data.openable && setTriggerValue("opened", id)
  draw(grid, data)
}

function makeGrid(root, selected) {
  const grid = { root, chosen: new Set(selected), tiles: new Map(), ids: [], anchor: null, timer: null, paint: null }
  grid.bar = add(root, "div", "bar")
  grid.count = add(grid.bar, "span", "count")
  grid.count.setAttribute("aria-live", "polite")
  grid.buttons = {
    all: action(grid, "Select all", () => grid.ids),
    none: action(grid, "Clear selection", () => []),
    invert: action(grid, "Invert", () => grid.ids.filter(id => !grid.chosen.has(id))),
  }
  grid.faces = add(root, "div", "faces")
  grid.faces.setAttribute("role", "listbox")
  grid.faces.setAttribute("aria-multiselectable", "true")
  listen(grid)
  return grid
}

function add(parent, kind, name, text) {
  const element = document.createElement(kind)
  element.className = name
  if (text !== undefined) element.textContent = text
  parent.append(element)
  return element
}

function addIcon(parent, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  path.setAttribute("d", ICONS[name])
  svg.append(path)
  parent.append(svg)
}

function action(grid, label, wanted) {
  const button = add(grid.bar, "button", "", label)
  button.type = "button"
  button.onclick = () => { choose(grid, wanted()); tell(grid) }
  return button
}

// --- drawing -------------------------------------------------------------------------------------------------------

function draw(grid, data) {
  grid.selectable = data.selectable
  grid.ids = data.faces.map(face => face.id)
  grid.root.classList.toggle("selectable", data.selectable)
  grid.root.classList.toggle("openable", data.openable)
  grid.root.style.setProperty("--tile", data.tile)
  grid.bar.hidden = !data.selectable
  grid.bar.style.display = data.selectable ? "" : "none"
  grid.faces.setAttribute("aria-label", data.label)
  const wanted = new Set(grid.ids)
  for (const [id, tile] of grid.tiles) if (!wanted.has(id)) { tile.remove(); grid.tiles.delete(id) }
  data.faces.forEach((face, place) => {
    const tile = grid.tiles.get(face.id) ?? makeTile(grid, face)
    fill(tile, face)
    if (grid.faces.children[place] !== tile) grid.faces.insertBefore(tile, grid.faces.children[place] ?? null)
  })
  choose(grid, [...grid.chosen].filter(id => wanted.has(id)))
  if (!grid.faces.querySelector("[tabindex='0']")) grid.faces.firstElementChild?.setAttribute("tabindex", "0")
}

function makeTile(grid, face) {
  const tile = document.createElement("div")
  tile.className = "face"
  tile.dataset.id = face.id
  tile.tabIndex = -1
  tile.setAttribute("role", "option")
  const image = add(tile, "img", "")
  image.loading = "lazy"
  image.decoding = "async"
  image.draggable = false
  image.alt = ""
  addIcon(add(tile, "span", "tick"), "tick")
  add(tile, "span", "name")
  add(tile, "span", "low")
  const open = add(tile, "button", "open")
  open.type = "button"
  open.tabIndex = -1
  open.title = "Open photo"
  open.setAttribute("aria-label", "Open photo")
  addIcon(open, "open")
  grid.tiles.set(face.id, tile)
  return tile
}

function fill(tile, face) {
  const [image, name, low] = [tile.querySelector("img"), tile.querySelector(".name"), tile.querySelector(".low")]
  if (image.getAttribute("src") !== face.src) image.src = face.src
  name.textContent = face.name ?? ""
  name.style.display = face.name ? "" : "none"
  low.textContent = face.low ?? ""
  low.style.display = face.low ? "" : "none"
  tile.title = face.title
  tile.setAttribute("aria-label", face.title)
}

function show(grid) {
  for (const [id, tile] of grid.tiles) tile.setAttribute("aria-selected", grid.selectable && grid.chosen.has(id))
  const [chosen, all] = [grid.chosen.size, grid.ids.length]
  grid.root.classList.toggle("picking", chosen > 0)
  grid.count.textContent = chosen ? `${chosen} of ${all} selected` : `${all} ${all === 1 ? "face" : "faces"}`
  grid.count.classList.toggle("some", chosen > 0)
  grid.buttons.all.disabled = chosen === all
  grid.buttons.none.disabled = chosen === 0
}

// --- choosing ------------------------------------------------------------------------------------------------------

function choose(grid, ids) {
  grid.chosen = new Set(ids)
  show(grid)
}

function tell(grid, now = false) {
  clearTimeout(grid.timer)
  grid.timer = setTimeout(() => flush(grid), now ? 0 : PATIENCE_MS)
}

function flush(grid) {
  if (grid.timer === null) return
  clearTimeout(grid.timer)
  grid.timer = null
  grid.send(grid.ids.filter(id => grid.chosen.has(id)))
}

function set(grid, ids, on) {
  const chosen = new Set(grid.chosen)
  for (const id of ids) on ? chosen.add(id) : chosen.delete(id)
  choose(grid, chosen)
  tell(grid)
}

function toggle(grid, id, isRange) {
  const [from, to] = [grid.ids.indexOf(grid.anchor), grid.ids.indexOf(id)]
  if (isRange && from >= 0) {
    set(grid, grid.ids.slice(Math.min(from, to), Math.max(from, to) + 1), grid.chosen.has(grid.anchor))
  } else {
    set(grid, [id], !grid.chosen.has(id))
    grid.anchor = id
  }
}

const idOf = event => {
  const tile = event.target.closest?.(".face")
  return tile ? Number(tile.dataset.id) : null
}

// --- mouse and keys ------------------------------------------------------------------------------------------------

function listen(grid) {
  const { faces, root } = grid
  faces.addEventListener("click", event => onClick(grid, event))
  faces.addEventListener("pointerdown", event => {
    const id = idOf(event)
    if (id === null || event.pointerType !== "mouse" || event.button || event.shiftKey) return
    grid.paint = { id, on: !grid.chosen.has(id), moved: false }
  })
  faces.addEventListener("pointerover", event => onPaint(grid, event))
  addEventListener("pointerup", () => setTimeout(() => (grid.paint = null)))
  faces.addEventListener("keydown", event => onKey(grid, event))
  faces.addEventListener("focusin", event => {
    faces.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1")
    event.target.closest(".face")?.setAttribute("tabindex", "0")
  })
  root.addEventListener("pointerleave", () => flush(grid))
  root.addEventListener("focusout", event => root.contains(event.relatedTarget) || flush(grid))
}

function onClick(grid, event) {
  const id = idOf(event)
  if (id === null) return
  if (event.target.closest(".open") || !grid.selectable) return grid.open(id)
  if (!grid.paint?.moved) toggle(grid, id, event.shiftKey)
}

// Dragging over faces gives all of them what the first one got.
function onPaint(grid, event) {
  const id = idOf(event)
  if (!grid.paint || !grid.selectable || id === null || !(event.buttons & 1)) return
  if (!grid.paint.moved && id === grid.paint.id) return
  grid.paint.moved = true
  set(grid, [grid.paint.id, id], grid.paint.on)
}

function onKey(grid, event) {
  const id = idOf(event)
  if (id === null || event.target.closest(".open")) return
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(grid), ArrowUp: -columns(grid) }[event.key]
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

function columns(grid) {
  const tiles = [...grid.faces.children]
  const second = tiles.findIndex(tile => tile.offsetTop > tiles[0].offsetTop)
  return second < 0 ? tiles.length : second
}

function move(grid, place, isRange) {
  const id = grid.ids[Math.max(0, Math.min(place, grid.ids.length - 1))]
  if (isRange && grid.selectable && grid.chosen.has(grid.anchor)) toggle(grid, id, true)
  grid.tiles.get(id)?.focus()
}
