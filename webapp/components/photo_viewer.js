// A photo as large as it goes, with a box around each face: to be named, drawn, moved, resized and removed. What is done
// goes to Python with the turn that it is for; until the next one is drawn, nothing further is taken.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @import { Person } from "./type_ahead.js"
 * @import { Zoom } from "./zoom.js"
 * @typedef {[number, number, number, number]} Box left, top, right, bottom in pixels of the photo
 * @typedef {{ id: number, box: Box, name: string, title: string, src: string, isAside: boolean }} Face
 * @typedef {{
 *   turn: number, photo: number, src: string, large: string, width: number, height: number, gone: boolean, faces: Face[],
 *   people: Person[], chosen: number | null, naming: boolean, editable: boolean, previous: boolean, next: boolean,
 *   error: string, status: string, ahead: string[],
 * }} Data
 * @typedef {{ face: number | null, box: Box, was: Box | null }} Adjusting face: null for a new one
 * @typedef {{
 *   root: HTMLElement, data: Data, turn: number | null, isWaiting: boolean, chosen: number | null, isNaming: boolean,
 *   adjusting: Adjusting | null, zoom: Zoom, stage: HTMLElement, canvas: HTMLElement, image: HTMLImageElement,
 *   boxes: HTMLElement, panel: HTMLElement, tools: HTMLElement, side: HTMLElement, live: HTMLElement,
 *   pointers: Map<number, PointerEvent>, send: (name: string, value: unknown) => void, life: AbortController,
 * }} Viewer
 */

import { element, typeAhead } from "./type_ahead.js"
import { makeZoom, onPhoto, onStage, pan, refit, seen, whole, zoomBy, zoomIn, zoomOut } from "./zoom.js"

const LEAST_PX = 8
const SHARP_PX = 1400
const SWIPE_PX = 60
const CORNERS = ["nw", "ne", "sw", "se"]

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
    root, data, turn: null, isWaiting: false, chosen: null, isNaming: false, adjusting: null, stage, canvas, image, boxes,
    panel, tools, side, live, pointers: new Map(), send: () => {}, life,
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
  const isOther = viewer.turn === null || viewer.data.photo !== data.photo
  viewer.data = data
  if (viewer.turn === data.turn) return
  const key = focused(viewer)?.dataset.key ?? ""
  Object.assign(viewer, { turn: data.turn, isWaiting: false, adjusting: null, chosen: data.chosen, isNaming: data.naming })
  viewer.root.removeAttribute("aria-busy")
  viewer.root.classList.toggle("gone", data.gone)
  viewer.live.textContent = data.status
  if (isOther) showPhoto(viewer)
  drawTools(viewer)
  drawBoxes(viewer)
  drawSide(viewer)
  drawPanel(viewer)
  if (!viewer.isNaming) focusOn(viewer, isOther ? "stage" : key)
  for (const src of data.ahead) new Image().src = src
}

/** @param {Viewer} viewer */
function showPhoto(viewer) {
  const { data, image, stage } = viewer
  stage.setAttribute("aria-busy", "true")
  stage.setAttribute("aria-label", `Photo with ${data.faces.length === 1 ? "1 face" : `${data.faces.length} faces`}`)
  Object.assign(image, { src: data.gone ? "" : data.src, alt: "" })
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
      element("span", "hint", "Drag the box or its corners. Keys: arrows move it, Shift and arrows resize it."),
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
function button(key, text, title, onClick, disabled = false, kind = "") {
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
function placed(box, [left, top, right, bottom], { width, height }) {
  const percent = (/** @type {number} */ share) => `${100 * share}%`
  Object.assign(box.style, {
    left: percent(left / width), top: percent(top / height),
    width: percent((right - left) / width), height: percent((bottom - top) / height),
  })
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
function drawSide(viewer) {
  const { data } = viewer
  const rows = data.faces.map(face => {
    const picture = Object.assign(element("img", ""), { src: face.src, alt: "", loading: "lazy" })
    const row = Object.assign(element("button", "row", picture, element("span", "", face.name || "Unnamed")), { type: "button" })
    row.classList.toggle("chosen", face.id === viewer.chosen)
    row.classList.toggle("unnamed", !face.name)
    if (face.isAside) row.append(element("small", "", "ignored"))
    row.dataset.key = `face-${face.id}`
    row.addEventListener("click", () => choose(viewer, face.id))
    return element("li", "", row)
  })
  const none = element("p", "none", data.editable ? "No faces found. Draw a box around one." : "No faces found.")
  viewer.side.replaceChildren(element("h3", "", "On this photo"), rows.length ? element("ul", "", ...rows) : none)
}

/** @param {Viewer} viewer */
function drawPanel(viewer) {
  const { data, panel } = viewer
  const face = data.faces.find(one => one.id === viewer.chosen)
  panel.hidden = !(face && viewer.isNaming && data.editable) || viewer.adjusting !== null
  if (panel.hidden || !face) return panel.replaceChildren()
  const { input, list } = typeAhead(data.people, {
    onPerson: person => send(viewer, { act: "name", face: face.id, person: person.id }),
    onNew: name => send(viewer, { act: "name", face: face.id, name }),
    onLeave: () => leave(viewer),
  })
  if (face.name) input.placeholder = face.name
  const error = element("p", "error", data.error)
  error.setAttribute("role", "alert")
  const acts = element("div", "acts",
    button("adjust", "Move box", "M", () => startMoving(viewer)),
    ...(face.name || face.isAside ? [] : [button("ignore", "Ignore", "Set this face aside", () => send(viewer, { act: "ignore", face: face.id }))]),
    button("remove", "Not a face", "Delete", () => send(viewer, { act: "remove", face: face.id })),
    button("close", "Close", "Escape", () => leave(viewer)))
  panel.replaceChildren(input, error, list, acts)
  placePanel(viewer)
  input.focus({ preventScroll: true })
}

/**
 * Beside its box; on narrow pages below the photo, see the style.
 * @param {Viewer} viewer
 */
function placePanel(viewer) {
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
function send(viewer, act) {
  if (viewer.isWaiting) return
  viewer.isWaiting = true
  viewer.root.setAttribute("aria-busy", "true")
  viewer.send("acted", { ...act, turn: viewer.data.turn, photo: viewer.data.photo })
}

/**
 * @param {Viewer} viewer
 * @param {"previous" | "next"} to
 */
function go(viewer, to) {
  if (viewer.data[to]) send(viewer, { act: to })
}

/**
 * @param {Viewer} viewer
 * @param {number} face
 */
function choose(viewer, face) {
  if (viewer.adjusting) return
  Object.assign(viewer, { chosen: face, isNaming: true, data: { ...viewer.data, error: "" } })
  redraw(viewer)
  if (!viewer.data.editable) focusOn(viewer, `face-${face}`)
}

/** @param {Viewer} viewer */
function redraw(viewer) {
  drawTools(viewer)
  drawBoxes(viewer)
  drawSide(viewer)
  drawPanel(viewer)
}

/**
 * Out of what is open: the box being drawn, the panel.
 * @param {Viewer} viewer
 */
function leave(viewer) {
  const key = viewer.adjusting ? "draw" : `box-${viewer.chosen}`
  Object.assign(viewer, { adjusting: null, isNaming: false })
  redraw(viewer)
  focusOn(viewer, key)
}

/** @param {Viewer} viewer */
function startDrawing(viewer) {
  const { left, top, right, bottom } = seen(viewer.zoom)
  const half = 0.12 * Math.min(right - left, bottom - top)
  const [x, y] = [(left + right) / 2, (top + bottom) / 2]
  adjust(viewer, { face: null, box: [x - half, y - half, x + half, y + half], was: null })
}

/** @param {Viewer} viewer */
function startMoving(viewer) {
  const face = viewer.data.faces.find(one => one.id === viewer.chosen)
  if (face) adjust(viewer, { face: face.id, box: face.box, was: face.box })
}

/**
 * @param {Viewer} viewer
 * @param {Adjusting} adjusting
 */
function adjust(viewer, adjusting) {
  Object.assign(viewer, { adjusting, isNaming: false })
  redraw(viewer)
  focusOn(viewer, "stage")
}

/** @param {Viewer} viewer */
function save(viewer) {
  const { adjusting } = viewer
  if (!adjusting) return
  const [left, top, right, bottom] = adjusting.box
  if (Math.min(right - left, bottom - top) < LEAST_PX) return leave(viewer)
  if (adjusting.face === null) send(viewer, { act: "add", box: adjusting.box })
  else send(viewer, { act: "move", face: adjusting.face, box: adjusting.box, was: adjusting.was })
}

// --- pointers ------------------------------------------------------------------------------------------------------

/**
 * From pressing to letting go: draw, move or resize a box, pan, pinch or swipe.
 * @param {Viewer} viewer
 * @param {PointerEvent} start
 */
function onPointer(viewer, start) {
  if (start.button !== 0) return
  const { stage, zoom, pointers, data } = viewer
  const target = /** @type {HTMLElement} */ (start.composedPath()[0])
  pointers.set(start.pointerId, start)
  const drag = dragging(viewer, target, start)
  if (drag) start.preventDefault()
  let last = start
  const life = new AbortController()
  const { signal } = life
  globalThis.addEventListener("pointermove", event => {
    if (event.pointerId !== start.pointerId) return
    pointers.set(event.pointerId, event)
    if (pointers.size > 1) pinch(viewer, last, event)
    else if (drag) drag(event)
    else pan(zoom, event.clientX - last.clientX, event.clientY - last.clientY)
    last = event
    placePanel(viewer)
  }, { signal })
  const end = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== start.pointerId) return
    life.abort()
    const isAlone = pointers.size === 1
    pointers.delete(event.pointerId)
    const [right, down] = [event.clientX - start.clientX, event.clientY - start.clientY]
    if (Math.hypot(right, down) > 5) stage.addEventListener("click", swallow, { capture: true, once: true })
    setTimeout(() => stage.removeEventListener("click", swallow, { capture: true }))
    if (event.type === "pointercancel") return
    if (drag && start.ctrlKey && viewer.adjusting?.face === null) save(viewer)
    const isSwipe = start.pointerType === "touch" && isAlone && !drag && zoom.scale === 1
    if (isSwipe && Math.abs(right) > SWIPE_PX && Math.abs(down) < SWIPE_PX) go(viewer, right < 0 ? "next" : "previous")
  }
  globalThis.addEventListener("pointerup", end, { signal })
  globalThis.addEventListener("pointercancel", end, { signal })
  if (!data.editable) return
}

/** @param {Event} event */
function swallow(event) {
  event.stopPropagation()
  event.preventDefault()
}

/**
 * What a drag does to the box that is being adjusted; nothing where it moves the photo.
 * @param {Viewer} viewer
 * @param {HTMLElement} target
 * @param {PointerEvent} start
 * @returns {((event: PointerEvent) => void) | null}
 */
function dragging(viewer, target, start) {
  const { zoom, data } = viewer
  if (!data.editable || data.gone) return null
  const from = onPhoto(zoom, start)
  const adjusting = viewer.adjusting
  const corner = CORNERS.find(one => target.classList.contains(one))
  if (adjusting && (corner || target.classList.contains("adjusting"))) {
    const was = adjusting.box
    return event => {
      const at = onPhoto(zoom, event)
      setBox(viewer, shaped(was, corner ?? "", at.x - from.x, at.y - from.y))
    }
  }
  if (!start.ctrlKey && adjusting?.face !== null) return null
  if (!adjusting && !start.ctrlKey) return null
  adjust(viewer, { face: null, box: [from.x, from.y, from.x, from.y], was: null })
  return event => {
    const at = onPhoto(zoom, event)
    setBox(viewer, [Math.min(from.x, at.x), Math.min(from.y, at.y), Math.max(from.x, at.x), Math.max(from.y, at.y)])
  }
}

/**
 * @param {Box} box
 * @param {string} corner of nw, ne, sw, se; "" moves all of it
 * @param {number} right
 * @param {number} down
 * @returns {Box}
 */
function shaped([left, top, right_, bottom], corner, right, down) {
  if (!corner) return [left + right, top + down, right_ + right, bottom + down]
  const xs = corner.endsWith("w") ? [left + right, right_] : [left, right_ + right]
  const ys = corner.startsWith("n") ? [top + down, bottom] : [top, bottom + down]
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}

/**
 * @param {Viewer} viewer
 * @param {Box} box
 */
function setBox(viewer, [left, top, right, bottom]) {
  const { adjusting, data: { width, height }, boxes } = viewer
  if (!adjusting) return
  adjusting.box = [Math.max(0, left), Math.max(0, top), Math.min(width, right), Math.min(height, bottom)]
  const box = /** @type {HTMLElement | null} */ (boxes.querySelector(".adjusting"))
  if (box) placed(box, adjusting.box, viewer.data)
}

/**
 * @param {Viewer} viewer
 * @param {PointerEvent} before
 * @param {PointerEvent} event
 */
function pinch(viewer, before, event) {
  const other = [...viewer.pointers.values()].find(one => one.pointerId !== event.pointerId)
  if (!other) return
  const apart = (/** @type {PointerEvent} */ one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)
  const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 }
  zoomBy(viewer.zoom, apart(event) / Math.max(apart(before), 1), onStage(viewer.zoom, middle))
}

// --- keys ----------------------------------------------------------------------------------------------------------

/**
 * @param {Viewer} viewer
 * @param {KeyboardEvent} event
 */
function onKey(viewer, event) {
  const at = event.composedPath()[0]
  const isField = at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName))
  if (!viewer.root.isConnected || event.altKey || event.metaKey) return
  if (event.key === "Escape" && (viewer.adjusting || viewer.isNaming)) {
    if (event.type === "keydown") leave(viewer) // the dialog stays open
  } else if (isField || event.type === "keyup" || !keyed(viewer, event, at)) return
  event.preventDefault()
  event.stopImmediatePropagation()
}

/**
 * @param {Viewer} viewer
 * @param {KeyboardEvent} event
 * @param {EventTarget} at
 * @returns {boolean} whether the key meant something here
 */
function keyed(viewer, event, at) {
  const { adjusting, data } = viewer
  const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
  if (event.ctrlKey) {
    if (event.key.toLowerCase() !== "z" || !data.editable) return false
    send(viewer, { act: "undo" })
  } else if (adjusting && arrow) {
    const step = Math.max(1, 0.02 * (adjusting.box[3] - adjusting.box[1]))
    setBox(viewer, shaped(adjusting.box, event.shiftKey ? "se" : "", arrow[0] * step, arrow[1] * step))
  } else if (adjusting) {
    if (event.key !== "Enter" || at instanceof HTMLButtonElement) return false
    save(viewer)
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") go(viewer, event.key === "ArrowLeft" ? "previous" : "next")
  else if (event.key === "+" || event.key === "=") zoomIn(viewer.zoom)
  else if (event.key === "-") zoomOut(viewer.zoom)
  else if (event.key === "0") whole(viewer.zoom)
  else return data.editable && edited(viewer, event.key, at)
  placePanel(viewer)
  return true
}

/**
 * @param {Viewer} viewer
 * @param {string} key
 * @param {EventTarget} at
 */
function edited(viewer, key, at) {
  const focus = at instanceof HTMLElement ? Number(/^(?:box|face)-(\d+)$/.exec(at.dataset.key ?? "")?.[1]) : NaN
  const face = Number.isNaN(focus) ? viewer.chosen : focus
  if (key === "z") send(viewer, { act: "undo" })
  else if (key === "d" && !viewer.data.gone) startDrawing(viewer)
  else if (key === "m" && face !== null) {
    viewer.chosen = face
    startMoving(viewer)
  } else if ((key === "Delete" || key === "Backspace") && face !== null) send(viewer, { act: "remove", face })
  else return false
  return true
}
