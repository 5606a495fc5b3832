// A photo as large as it goes, with a box around each face: to be named, drawn, moved, resized and removed. What is done
// goes to Python with the turn that it is for; until the next one is drawn, nothing further is taken.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @import { Faceless, Presence } from "./photo_side.js"
 * @import { Zoom } from "./zoom.js"
 * @typedef {[number, number, number, number]} Box left, top, right, bottom in pixels of the photo
 * @typedef {{ id: number, box: Box, name: string, title: string, src: string, isAside: boolean }} Face
 * @typedef {{
 *   turn: number, photo: number, src: string, large: string, width: number, height: number, gone: boolean, faces: Face[],
 *   people: string, chosen: number | null, naming: boolean, editable: boolean, previous: boolean, next: boolean,
 *   error: string, status: string, ahead: string[], without: Faceless[], adding: boolean,
 * }} Data
 * @typedef {{ face: number | null, box: Box, was: Box | null }} Adjusting face: null for a new one
 * @typedef {{
 *   root: HTMLElement, data: Data, turn: number | null, isWaiting: boolean, hasTurned: boolean, chosen: number | null, isNaming: boolean,
 *   adjusting: Adjusting | null, isAdding: boolean, presence: Presence, zoom: Zoom, stage: HTMLElement, canvas: HTMLElement, image: HTMLImageElement,
 *   boxes: HTMLElement, panel: HTMLElement, tools: HTMLElement, side: HTMLElement, live: HTMLElement, later: "previous" | "next" | null,
 *   pointers: Map<number, PointerEvent>, send: (name: string, value: unknown) => void, life: AbortController,
 * }} Viewer
 */

import { CORNERS, onKey, onPointer } from "./photo_input.js"
import { drawSide } from "./photo_side.js"
import { element, retype, typeAhead } from "./type_ahead.js"
import { makeZoom, onStage, refit, seen, whole, zoomBy, zoomIn, zoomOut } from "./zoom.js"

const LEAST_PX = 8
const SHARP_PX = 1400
const PATIENCE_MS = 8000

/** @type {WeakMap<ParentNode, Viewer>} */
const instances = new WeakMap()

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let viewer = instances.get(parentElement)
  if (viewer?.root !== root) {
    viewer?.life.abort()
    instances.set(parentElement, (viewer = makeViewer(root, data)))
  }
  const { life } = viewer
  viewer.send = setTriggerValue
  draw(viewer, data)
  return () => void setTimeout(() => root.isConnected || life.abort())
}

/**
 * @param {HTMLElement} root
 * @param {Data} data
 * @returns {Viewer}
 */
function makeViewer(root, data) {
  const image = element("img", "photo")
  image.draggable = false
  const boxes = element("div", "boxes")
  const canvas = element("div", "canvas", image, boxes)
  const stage = element("div", "stage", canvas)
  stage.tabIndex = 0
  stage.dataset.key = "stage"
  stage.setAttribute("role", "group")
  const panel = element("div", "panel")
  const [tools, side, live] = [element("div", "tools"), element("div", "side"), element("div", "live")]
  live.setAttribute("role", "status")
  const life = new AbortController()
  /** @type {Viewer} */
  const viewer = {
    root, data, turn: null, isWaiting: false, hasTurned: false, chosen: null, isNaming: false, adjusting: null, isAdding: false, presence: "unseen", stage, canvas, image, boxes,
    panel, tools, side, live, later: null, pointers: new Map(), send: () => {}, life,
    zoom: makeZoom(stage, canvas, data, () => {}),
  }
  root.replaceChildren(tools, element("div", "room", element("div", "left", stage, panel), side), live)
  const watched = new ResizeObserver(() => (refit(viewer.zoom), placePanel(viewer)))
  watched.observe(stage)
  life.signal.addEventListener("abort", () => watched.disconnect())
  listen(viewer)
  return viewer
}

/** @param {Viewer} viewer */
function listen(viewer) {
  const { stage, life: { signal }, image } = viewer
  stage.addEventListener("wheel", event => {
    event.preventDefault()
    zoomBy(viewer.zoom, Math.exp(-event.deltaY / (event.ctrlKey ? 120 : 400)), onStage(viewer.zoom, event))
    placePanel(viewer)
  }, { signal, passive: false })
  stage.addEventListener("dblclick", event => {
    if (viewer.adjusting) return
    zoomBy(viewer.zoom, viewer.zoom.scale > 1 ? 1 / viewer.zoom.scale : 2.5, onStage(viewer.zoom, event))
    placePanel(viewer)
  }, { signal })
  stage.addEventListener("pointerdown", event => onPointer(viewer, event), { signal })
  image.addEventListener("error", () => viewer.root.classList.add("gone"), { signal })
  image.addEventListener("load", () => stage.removeAttribute("aria-busy"), { signal })
  for (const kind of /** @type {const} */ (["keydown", "keyup"])) {
    globalThis.addEventListener(kind, event => onKey(viewer, event), { signal, capture: true })
  }
}

// --- drawing -------------------------------------------------------------------------------------------------------

/**
 * @param {Viewer} viewer
 * @param {Data} data
 */
function draw(viewer, data) {
  const isOther = viewer.turn === null || viewer.data.photo !== data.photo || viewer.data.gone !== data.gone
  viewer.data = data
  if (viewer.turn === data.turn) return
  const at = focused(viewer)
  const key = at?.dataset.key ?? ""
  const isKept = viewer.hasTurned && !isOther && !data.error
  const typed = isKept && at instanceof HTMLInputElement ? at.value : ""
  Object.assign(viewer, { turn: data.turn, isWaiting: false, hasTurned: false })
  if (!isKept) Object.assign(viewer, { adjusting: null, chosen: data.chosen, isNaming: data.naming, isAdding: data.adding })
  viewer.root.removeAttribute("aria-busy")
  viewer.root.classList.toggle("gone", data.gone)
  viewer.live.textContent = data.status
  if (isOther) showPhoto(viewer)
  redraw(viewer)
  if (viewer.isAdding) viewer.side.querySelector("input")?.focus()
  else if (!viewer.isNaming) focusOn(viewer, isOther ? "stage" : /^(presence|absent)-/.test(key) || key === "without-name" ? "without" : key)
  if (typed) retype(focused(viewer), typed)
  for (const src of data.ahead) new Image().src = src
  if (viewer.later) go(viewer, viewer.later)
}

/** @param {Viewer} viewer */
function showPhoto(viewer) {
  const { data, image, stage } = viewer
  stage.setAttribute("aria-busy", "true")
  stage.setAttribute("aria-label", `Photo with ${data.faces.length === 1 ? "1 face" : `${data.faces.length} faces`}`)
  Object.assign(image, { src: data.gone ? "" : data.src, alt: "" })
  stage.style.setProperty("--ratio", String(data.width / Math.max(data.height, 1)))
  viewer.zoom = makeZoom(stage, viewer.canvas, data, () => sharpen(viewer))
  refit(viewer.zoom)
}

/**
 * Zoomed in, the photo comes in more pixels.
 * @param {Viewer} viewer
 */
function sharpen(viewer) {
  const { zoom, data, image } = viewer
  const wanted = Math.max(zoom.width, zoom.height) * zoom.fit * zoom.scale * devicePixelRatio
  if (wanted <= SHARP_PX || image.src.endsWith(data.large) || data.gone) return
  const larger = Object.assign(new Image(), { src: data.large })
  larger.addEventListener("load", () => {
    if (viewer.data.large === data.large) image.src = data.large
  }, { once: true })
}

/** @param {Viewer} viewer */
function drawTools(viewer) {
  const { data, zoom, adjusting } = viewer
  const move = (/** @type {() => void} */ act) => () => (act(), placePanel(viewer))
  const buttons = [
    button("previous", "‹", "Previous photo (←)", () => go(viewer, "previous"), !data.previous),
    button("next", "›", "Next photo (→)", () => go(viewer, "next"), !data.next),
  ]
  const sizes = [
    button("smaller", "−", "Zoom out (−)", move(() => zoomOut(zoom))),
    button("larger", "+", "Zoom in (+)", move(() => zoomIn(zoom))),
    button("whole", "Fit", "The whole photo (0)", move(() => whole(zoom))),
  ]
  const edit = adjusting
    ? [
      button("save", "Save box", "Enter", () => save(viewer), false, "primary"),
      button("cancel", "Cancel", "Escape", () => leave(viewer)),
      element("span", "hint", adjusting.face === null ? "Drag across the face, or move this box and its corners." : "Drag the box or its corners.",
        element("span", "", " Arrows move it, Shift and arrows resize it.")),
    ]
    : [button("draw", "Draw a face", "Or drag with Ctrl held down (D)", () => startDrawing(viewer))]
  const parts = data.previous || data.next ? [element("div", "set", ...buttons)] : []
  viewer.tools.replaceChildren(...parts, element("div", "set sizes", ...sizes), ...(data.editable && !data.gone ? edit : []))
}

/**
 * @param {string} key
 * @param {string} text
 * @param {string} title
 * @param {() => void} onClick
 */
export function button(key, text, title, onClick, disabled = false, kind = "") {
  const made = Object.assign(element("button", kind, text), { type: "button", title, disabled })
  if (text.length < 2) made.setAttribute("aria-label", title.replace(/ \(.*/, ""))
  made.dataset.key = key
  made.addEventListener("click", onClick)
  return made
}

/** @param {Viewer} viewer */
function drawBoxes(viewer) {
  const { data, adjusting, chosen } = viewer
  viewer.stage.classList.toggle("drawing", adjusting !== null)
  const faces = data.faces.filter(face => face.id !== adjusting?.face)
  const made = faces.map(face => {
    const box = Object.assign(element("button", "box", element("span", "", face.name)), { type: "button" })
    box.classList.toggle("chosen", face.id === chosen)
    box.classList.toggle("aside", face.isAside)
    box.classList.toggle("unnamed", !face.name)
    box.setAttribute("aria-label", face.title)
    box.dataset.key = `box-${face.id}`
    box.tabIndex = adjusting ? -1 : 0
    box.addEventListener("click", () => choose(viewer, face.id))
    return placed(box, face.box, data)
  })
  viewer.boxes.replaceChildren(...made, ...(adjusting ? [adjustable(viewer, adjusting)] : []))
}

/**
 * @template {HTMLElement} Element
 * @param {Element} box
 * @param {Box} edges
 * @param {{ width: number, height: number }} size
 * @returns {Element}
 */
export function placed(box, [left, top, right, bottom], { width, height }) {
  const percent = (/** @type {number} */ share) => `${100 * share}%`
  Object.assign(box.style, {
    left: percent(left / width), top: percent(top / height),
    width: percent((right - left) / width), height: percent((bottom - top) / height),
  })
  box.style.setProperty("--share", String((right - left) / width))
  return box
}

/**
 * @param {Viewer} viewer
 * @param {Adjusting} adjusting
 */
function adjustable(viewer, adjusting) {
  const handles = CORNERS.map(corner => Object.assign(element("i", `corner ${corner}`), { title: "Resize" }))
  const box = element("div", "box adjusting", ...handles)
  return placed(box, adjusting.box, viewer.data)
}

/** @param {Viewer} viewer */
function drawPanel(viewer) {
  const { data, panel } = viewer
  const face = data.faces.find(one => one.id === viewer.chosen)
  panel.hidden = !(face && viewer.isNaming && data.editable) || viewer.adjusting !== null
  if (panel.hidden || !face) return panel.replaceChildren()
  const { input, list } = typeAhead(() => data.people, {
    onPerson: person => send(viewer, { act: "name", face: face.id, person: person.id }),
    onNew: name => send(viewer, { act: "name", face: face.id, name }),
    onLeave: () => leave(viewer),
  })
  if (face.name) input.placeholder = face.name
  const error = element("p", "error", data.error)
  error.setAttribute("role", "alert")
  const acts = element("div", "acts",
    ...(data.gone ? [] : [button("adjust", "Move box", "M", () => startMoving(viewer))]),
    ...(face.name || face.isAside ? [] : [button("ignore", "Ignore", "Set this face aside", () => send(viewer, { act: "ignore", face: face.id }))]),
    button("remove", "Not a face", "Delete", () => send(viewer, { act: "remove", face: face.id })),
    button("close", "✕", "Close (Escape)", () => leave(viewer)))
  panel.replaceChildren(input, error, list, acts)
  placePanel(viewer)
  input.focus({ preventScroll: true })
}

/**
 * Beside its box; on narrow pages below the photo, see the style.
 * @param {Viewer} viewer
 */
export function placePanel(viewer) {
  const { panel, boxes, stage } = viewer
  const box = boxes.querySelector(".box.chosen")
  if (panel.hidden || !box) return
  const [at, room] = [box.getBoundingClientRect(), stage.getBoundingClientRect()]
  const besides = at.right - room.left + 12 + panel.offsetWidth <= room.width ? at.right - room.left + 12 : at.left - room.left - 12 - panel.offsetWidth
  const left = Math.max(8, Math.min(besides, room.width - panel.offsetWidth - 8))
  const top = Math.max(8, Math.min(at.top - room.top, room.height - panel.offsetHeight - 8))
  Object.assign(panel.style, { left: `${left}px`, top: `${top}px` })
}

/** @param {Viewer} viewer */
function focused(viewer) {
  const { activeElement } = /** @type {ShadowRoot | Document} */ (viewer.root.getRootNode())
  return activeElement instanceof HTMLElement && viewer.root.contains(activeElement) ? activeElement : null
}

/**
 * @param {Viewer} viewer
 * @param {string} key
 */
function focusOn(viewer, key) {
  const wanted = /** @type {HTMLElement | null} */ (viewer.root.querySelector(`[data-key="${key}"]:not(:disabled)`))
  ;(wanted ?? viewer.stage).focus({ preventScroll: true })
}

// --- acts ----------------------------------------------------------------------------------------------------------

/**
 * @param {Viewer} viewer
 * @param {Record<string, unknown>} act
 */
export function send(viewer, act) {
  if (viewer.isWaiting) return
  viewer.isWaiting = true
  viewer.root.setAttribute("aria-busy", "true")
  const { turn, photo } = viewer.data
  viewer.send("acted", { ...act, turn, photo })
  setTimeout(() => { // no answer: whoever waits may try again
    if (viewer.turn === turn) viewer.isWaiting = false
  }, PATIENCE_MS)
}

/**
 * @param {Viewer} viewer
 * @param {"previous" | "next"} to
 */
export function go(viewer, to) {
  viewer.later = viewer.isWaiting ? to : null // asked for while another answer was awaited: it follows
  if (viewer.data[to]) send(viewer, { act: to })
}

/**
 * @param {Viewer} viewer
 * @param {number} face
 */
export function choose(viewer, face) {
  if (viewer.adjusting) return
  viewer.data = { ...viewer.data, error: "" }
  turnTo(viewer, { chosen: face, isNaming: true })
  if (!viewer.data.editable) focusOn(viewer, `face-${face}`)
}

/**
 * Opens one thing and closes the others. Opened while the answer to an act is under way, it stays open when that comes.
 * @param {Viewer} viewer
 * @param {Partial<Pick<Viewer, "chosen" | "isNaming" | "isAdding" | "adjusting">>} open
 */
export function turnTo(viewer, open) {
  Object.assign(viewer, { adjusting: null, isNaming: false, isAdding: false, hasTurned: viewer.isWaiting, ...open })
  redraw(viewer)
}

/** @param {Viewer} viewer */
export function redraw(viewer) {
  drawTools(viewer)
  drawBoxes(viewer)
  drawSide(viewer)
  drawPanel(viewer)
}

/**
 * Out of what is open: the box being drawn, the panel.
 * @param {Viewer} viewer
 */
export function leave(viewer) {
  const key = viewer.adjusting ? "draw" : viewer.isAdding ? "without" : `box-${viewer.chosen}`
  turnTo(viewer, {})
  focusOn(viewer, key)
}

/** @param {Viewer} viewer */
export function startDrawing(viewer) {
  const { left, top, right, bottom } = seen(viewer.zoom)
  const half = 0.12 * Math.min(right - left, bottom - top)
  const [x, y] = [(left + right) / 2, (top + bottom) / 2]
  adjust(viewer, { face: null, box: [x - half, y - half, x + half, y + half], was: null })
}

/** @param {Viewer} viewer */
export function startMoving(viewer) {
  const face = viewer.data.faces.find(one => one.id === viewer.chosen)
  if (face) adjust(viewer, { face: face.id, box: face.box, was: face.box })
}

/**
 * @param {Viewer} viewer
 * @param {Adjusting} adjusting
 */
export function adjust(viewer, adjusting) {
  turnTo(viewer, { adjusting })
  focusOn(viewer, "stage")
}

/** @param {Viewer} viewer */
export function save(viewer) {
  const { adjusting } = viewer
  if (!adjusting) return
  const [left, top, right, bottom] = adjusting.box
  if (Math.min(right - left, bottom - top) < LEAST_PX) return leave(viewer)
  if (adjusting.face === null) send(viewer, { act: "add", box: adjusting.box })
  else send(viewer, { act: "move", face: adjusting.face, box: adjusting.box, was: adjusting.was })
}
