// What pointers and keys do in the photo viewer.

/**
 * @import { Box, Viewer } from "./photo_viewer.js"
 */

import { adjust, go, leave, placePanel, placed, save, send, startDrawing, startMoving } from "./photo_viewer.js"
import { onPhoto, onStage, pan, whole, zoomBy, zoomIn, zoomOut } from "./zoom.js"

const SWIPE_PX = 60
const PAN_PX = 80
export const CORNERS = ["nw", "ne", "sw", "se"]

// --- pointers ------------------------------------------------------------------------------------------------------

/**
 * From pressing to letting go: draw, move or resize a box, pan, pinch or swipe.
 * @param {Viewer} viewer
 * @param {PointerEvent} start
 */
export function onPointer(viewer, start) {
  if (start.button !== 0) return
  const { stage, zoom, pointers } = viewer
  const target = /** @type {HTMLElement} */ (start.composedPath()[0])
  pointers.set(start.pointerId, start)
  const drag = dragging(viewer, target, start)
  if (drag) start.preventDefault()
  let last = start
  let isAlone = pointers.size === 1 && zoom.scale === 1 // else it pinches or pans, to its end
  const life = new AbortController()
  const { signal } = life
  globalThis.addEventListener("pointermove", event => {
    if (event.pointerId !== start.pointerId) return
    pointers.set(event.pointerId, event)
    isAlone &&= pointers.size === 1
    if (pointers.size > 1) pinch(viewer, last, event)
    else if (drag) drag(event)
    else pan(zoom, event.clientX - last.clientX, event.clientY - last.clientY)
    last = event
    placePanel(viewer)
  }, { signal })
  const end = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== start.pointerId) return
    life.abort()
    pointers.delete(event.pointerId)
    const [right, down] = [event.clientX - start.clientX, event.clientY - start.clientY]
    if (Math.hypot(right, down) > 5) stage.addEventListener("click", swallow, { capture: true, once: true })
    setTimeout(() => stage.removeEventListener("click", swallow, { capture: true }))
    if (event.type === "pointercancel") return
    if (drag && start.ctrlKey && viewer.adjusting?.face === null) save(viewer)
    const isSwipe = start.pointerType === "touch" && isAlone && !drag
    if (isSwipe && Math.abs(right) > SWIPE_PX && Math.abs(down) < SWIPE_PX) go(viewer, right < 0 ? "next" : "previous")
  }
  globalThis.addEventListener("pointerup", end, { signal })
  globalThis.addEventListener("pointercancel", end, { signal })
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
export function onKey(viewer, event) {
  const at = event.composedPath()[0]
  const isField = at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName))
  if (!viewer.root.isConnected || event.altKey || event.metaKey) return
  if (event.key === "Escape" && (viewer.adjusting || viewer.isNaming || viewer.isAdding)) {
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
  } else if (arrow && (event.shiftKey || arrow[1])) {
    if (viewer.zoom.scale === 1) return false
    pan(viewer.zoom, -arrow[0] * PAN_PX, -arrow[1] * PAN_PX)
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
