// A picture in a stage: as large as fits, zoomed and moved by wheel, pinch, keys and drag.

/** @typedef {{ stage: HTMLElement, canvas: HTMLElement, width: number, height: number, scale: number, x: number, y: number, fit: number, onZoom: () => void }} Zoom */

const MOST = 16
const STEP = 1.35

/**
 * @param {HTMLElement} stage
 * @param {HTMLElement} canvas
 * @param {{ width: number, height: number }} size of the picture in its own pixels
 * @param {() => void} onZoom
 * @returns {Zoom}
 */
export function makeZoom(stage, canvas, size, onZoom) {
  const { width, height } = size
  return { stage, canvas, width, height, scale: 1, x: 0, y: 0, fit: 1, onZoom }
}

/** @param {Zoom} zoom */
export function refit(zoom) {
  const { clientWidth, clientHeight } = zoom.stage
  if (!clientWidth || !clientHeight) return
  zoom.fit = Math.min(clientWidth / zoom.width, clientHeight / zoom.height)
  zoom.canvas.style.width = `${zoom.width * zoom.fit}px`
  zoom.canvas.style.height = `${zoom.height * zoom.fit}px`
  settle(zoom)
}

/** @param {Zoom} zoom */
function settle(zoom) {
  const inside = (/** @type {number} */ at, /** @type {number} */ room, /** @type {number} */ size) =>
    size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at))
  const { stage, scale, fit } = zoom
  zoom.x = inside(zoom.x, stage.clientWidth, zoom.width * fit * scale)
  zoom.y = inside(zoom.y, stage.clientHeight, zoom.height * fit * scale)
  zoom.canvas.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${scale})`
  zoom.canvas.style.setProperty("--zoom", String(scale))
  stage.classList.toggle("zoomed", scale > 1)
  zoom.onZoom()
}

/**
 * Scale by a factor; what is at this place of the stage (default: its middle) stays there.
 * @param {Zoom} zoom
 * @param {number} factor
 * @param {{ x: number, y: number }} [at]
 */
export function zoomBy(zoom, factor, at) {
  const { x, y } = at ?? { x: zoom.stage.clientWidth / 2, y: zoom.stage.clientHeight / 2 }
  const scale = Math.min(MOST, Math.max(1, zoom.scale * factor))
  const ratio = scale / zoom.scale
  zoom.x = x - (x - zoom.x) * ratio
  zoom.y = y - (y - zoom.y) * ratio
  zoom.scale = scale
  settle(zoom)
}

/** @param {Zoom} zoom */
export const zoomIn = zoom => zoomBy(zoom, STEP)
/** @param {Zoom} zoom */
export const zoomOut = zoom => zoomBy(zoom, 1 / STEP)
/** @param {Zoom} zoom */
export const whole = zoom => zoomBy(zoom, 1 / zoom.scale)

/**
 * @param {Zoom} zoom
 * @param {number} right
 * @param {number} down
 */
export function pan(zoom, right, down) {
  zoom.x += right
  zoom.y += down
  settle(zoom)
}

/**
 * Where an event is on the stage.
 * @param {Zoom} zoom
 * @param {{ clientX: number, clientY: number }} event
 */
export function onStage(zoom, { clientX, clientY }) {
  const { left, top } = zoom.stage.getBoundingClientRect()
  return { x: clientX - left, y: clientY - top }
}

/**
 * Where an event is on the photo, in its pixels.
 * @param {Zoom} zoom
 * @param {{ clientX: number, clientY: number }} event
 */
export function onPhoto(zoom, event) {
  const { x, y } = onStage(zoom, event)
  const step = zoom.fit * zoom.scale
  return { x: (x - zoom.x) / step, y: (y - zoom.y) / step }
}

/**
 * The part of the photo that is seen, in its pixels.
 * @param {Zoom} zoom
 */
export function seen(zoom) {
  const step = zoom.fit * zoom.scale
  const left = Math.max(0, -zoom.x / step)
  const top = Math.max(0, -zoom.y / step)
  const right = Math.min(zoom.width, (zoom.stage.clientWidth - zoom.x) / step)
  const bottom = Math.min(zoom.height, (zoom.stage.clientHeight - zoom.y) / step)
  return { left, top, right, bottom }
}
