// A camera, and over its picture a box for each face with the name that the server gives it. One frame is under way at a
// time, always the newest; what the camera shows meanwhile is shown, but not sent.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ address: string }} Data
 * @typedef {[number, number, number, number]} Box left, top, right, bottom in pixels of the frame
 * @typedef {{ track: number, box: Box, state: "looking" | "named" | "unknown", name: string | null, probability: number }} Face
 * @typedef {{ width: number, height: number, faces: Face[] } | { error: string }} Answer
 * @typedef {{
 *   root: HTMLElement, address: string, start: HTMLButtonElement, choice: HTMLSelectElement, video: HTMLVideoElement,
 *   boxes: HTMLCanvasElement, frame: HTMLCanvasElement, status: HTMLElement, names: HTMLElement, pace: HTMLElement,
 *   life: AbortController, stream: MediaStream | null, socket: WebSocket | null, fresh: boolean, sent: number,
 *   shown: string, took: number[],
 * }} Camera fresh: whether the picture on show was not sent yet; sent: when the frame under way was, 0 for none; took:
 *   when the last answers came
 */

import { element } from "./type_ahead.js"

const FRAME_PX = 640
const JPEG_QUALITY = 0.8
const PATIENCE_MS = 20_000
const PACE_FRAMES = 20

const START = "Start the camera to see who is in front of it. Nothing is recorded or kept."
const UNSAFE = "Browsers allow the camera only on pages opened with https, or with http://localhost on this computer: open faceid at an address like that."
const LOST = "The connection to faceid was lost. Press Start to try again."
const TROUBLE = /** @type {Record<string, string>} */ ({
  NotAllowedError: "The camera is blocked. Allow it for this page next to the address bar, then press Start again.",
  NotFoundError: "No camera was found. Connect one, then press Start again.",
  OverconstrainedError: "That camera is no longer connected. Choose another one, then press Start again.",
  NotReadableError: "The camera is in use. Close the program that is using it, then press Start again.",
})

/** @type {WeakMap<ParentNode, Camera>} */
const instances = new WeakMap()

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let camera = instances.get(parentElement)
  if (camera?.root !== root) {
    if (camera) dispose(camera)
    instances.set(parentElement, (camera = makeCamera(root, data)))
  }
  const current = camera
  return () => void setTimeout(() => root.isConnected || dispose(current))
}

/**
 * @param {HTMLElement} root
 * @param {Data} data
 * @returns {Camera}
 */
function makeCamera(root, data) {
  const video = Object.assign(element("video", "video"), { muted: true, playsInline: true })
  const camera = {
    root, address: data.address, video, start: element("button", "primary"), choice: element("select", "choice"),
    boxes: element("canvas", "boxes"), frame: document.createElement("canvas"), status: element("p", "status"),
    names: element("ul", "names"), pace: element("span", "pace"), life: new AbortController(),
    stream: null, socket: null, fresh: false, sent: 0, shown: "", took: [],
  }
  video.setAttribute("aria-label", "What the camera sees")
  camera.choice.setAttribute("aria-label", "Camera")
  camera.status.setAttribute("role", "status")
  camera.names.setAttribute("aria-label", "In front of the camera")
  const tools = element("div", "tools", camera.start, camera.choice, camera.pace)
  const seen = element("div", "seen", camera.status, camera.names)
  root.replaceChildren(tools, seen, element("div", "stage", video, camera.boxes))
  const options = { signal: camera.life.signal }
  camera.start.addEventListener("click", () => camera.stream ? stop(camera, START) : start(camera), options)
  camera.choice.addEventListener("change", () => camera.stream && start(camera), options)
  document.addEventListener("visibilitychange", () => document.hidden || next(camera), options)
  stop(camera, START)
  return camera
}

/** @param {Camera} camera */
function dispose(camera) {
  camera.life.abort()
  stop(camera, START)
}

/**
 * @param {Camera} camera
 * @param {string} sentence
 */
function stop(camera, sentence) {
  const { stream, socket } = camera
  Object.assign(camera, { stream: null, socket: null, fresh: false, sent: 0, took: [] })
  stream?.getTracks().forEach(track => track.stop())
  socket?.close()
  camera.video.srcObject = null
  camera.root.classList.remove("running")
  camera.start.textContent = "Start"
  camera.start.disabled = false
  camera.status.textContent = sentence
  camera.pace.textContent = ""
  showNames(camera, [])
}

/** @param {Camera} camera */
async function start(camera) {
  stop(camera, "Waiting for the camera. Your browser may ask you to allow it.")
  if (!navigator.mediaDevices?.getUserMedia) return stop(camera, UNSAFE)
  camera.start.disabled = true
  const wanted = camera.choice.value ? { deviceId: { exact: camera.choice.value } } : {}
  try {
    const video = { ...wanted, width: { ideal: FRAME_PX }, height: { ideal: 480 } }
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false })
    if (camera.life.signal.aborted) return stream.getTracks().forEach(track => track.stop())
    await watch(camera, stream)
  } catch (error) {
    const kind = error instanceof DOMException ? error.name : ""
    stop(camera, TROUBLE[kind] ?? "The camera can't be used. Choose another, or try another browser.")
  }
}

/**
 * @param {Camera} camera
 * @param {MediaStream} stream
 */
async function watch(camera, stream) {
  camera.stream = stream
  camera.video.srcObject = stream
  stream.getVideoTracks()[0].addEventListener("ended", () => camera.stream === stream && stop(camera, TROUBLE.NotFoundError))
  await camera.video.play()
  camera.start.textContent = "Stop"
  camera.start.disabled = false
  camera.root.classList.add("running")
  camera.status.textContent = "Looking…"
  camera.shown = ""
  connect(camera)
  noteFrames(camera, stream)
  await listCameras(camera, stream)
}

/**
 * Until the camera stops: what is on show is fresh whenever a new picture came. Browsers that don't tell are asked at
 * each repaint.
 * @param {Camera} camera
 * @param {MediaStream} stream
 */
function noteFrames(camera, stream) {
  const { video } = camera
  const note = () => {
    if (camera.stream !== stream) return
    camera.fresh = true
    next(camera)
    noteFrames(camera, stream)
  }
  if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(note)
  else requestAnimationFrame(note)
}

/** @param {Camera} camera */
function connect(camera) {
  const url = new URL(camera.address, location.href)
  url.protocol = url.protocol.replace("http", "ws")
  const socket = new WebSocket(url)
  camera.socket = socket
  socket.addEventListener("open", () => next(camera))
  socket.addEventListener("message", event => camera.socket === socket && receive(camera, JSON.parse(event.data)))
  socket.addEventListener("close", () => camera.socket === socket && stop(camera, LOST))
}

/**
 * The names of cameras are known only once one was allowed.
 * @param {Camera} camera
 * @param {MediaStream} stream
 */
async function listCameras(camera, stream) {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter(device => device.kind === "videoinput")
  const current = stream.getVideoTracks()[0].getSettings().deviceId
  camera.choice.replaceChildren(...found.map(({ deviceId, label }, at) => {
    return new Option(label || `Camera ${at + 1}`, deviceId, false, deviceId === current)
  }))
  camera.choice.hidden = found.length < 2
}

/**
 * Send the picture on show, unless it was sent or another one is under way.
 * @param {Camera} camera
 */
function next(camera) {
  const { socket } = camera
  if (!socket || socket.readyState !== WebSocket.OPEN || document.hidden || camera.sent || !camera.fresh) return
  send(camera, socket)
}

/**
 * @param {Camera} camera
 * @param {WebSocket} socket
 */
function send(camera, socket) {
  const { video, frame } = camera
  const scale = Math.min(FRAME_PX / Math.max(video.videoWidth, video.videoHeight), 1)
  if (!Number.isFinite(scale)) return
  camera.sent = performance.now()
  camera.fresh = false
  frame.width = Math.round(video.videoWidth * scale)
  frame.height = Math.round(video.videoHeight * scale)
  frame.getContext("2d", { alpha: false })?.drawImage(video, 0, 0, frame.width, frame.height)
  frame.toBlob(blob => blob && socket.readyState === WebSocket.OPEN && socket.send(blob), "image/jpeg", JPEG_QUALITY)
  const taken = camera.sent
  setTimeout(() => camera.socket === socket && camera.sent === taken && stop(camera, LOST), PATIENCE_MS)
}

/**
 * @param {Camera} camera
 * @param {Answer} answer
 */
function receive(camera, answer) {
  if ("error" in answer) return stop(camera, answer.error)
  const lag = performance.now() - camera.sent
  camera.sent = 0
  next(camera)
  drawBoxes(camera, answer.width, answer.height, answer.faces)
  showNames(camera, answer.faces)
  showPace(camera, lag)
}

/**
 * @param {Camera} camera
 * @param {number} lag milliseconds from the frame to its boxes
 */
function showPace(camera, lag) {
  camera.took = [...camera.took, performance.now()].slice(-PACE_FRAMES)
  const [first, last] = [camera.took[0], camera.took[camera.took.length - 1]]
  if (camera.took.length < PACE_FRAMES) return
  const rate = 1000 * (camera.took.length - 1) / (last - first)
  camera.pace.textContent = `${rate.toFixed(0)} frames per second · ${(lag / 1000).toFixed(1)} s behind`
}

/**
 * @param {Camera} camera
 * @param {number} width
 * @param {number} height
 * @param {Face[]} faces
 */
function drawBoxes(camera, width, height, faces) {
  const { boxes } = camera
  const shown = boxes.getBoundingClientRect()
  const sharp = Math.max(shown.width * devicePixelRatio, 1) / width
  boxes.width = Math.round(width * sharp)
  boxes.height = Math.round(height * sharp)
  const pen = boxes.getContext("2d")
  if (!pen) return
  const style = getComputedStyle(camera.root)
  const size = 15 * devicePixelRatio
  pen.font = `600 ${size}px ${style.fontFamily}`
  pen.lineWidth = 3 * devicePixelRatio
  for (const face of faces) {
    const [left, top, right, bottom] = face.box.map(edge => edge * sharp)
    pen.strokeStyle = face.state === "named" ? "#2dd4bf" : "#ffffff"
    pen.setLineDash(face.state === "looking" ? [size / 2, size / 2] : [])
    pen.shadowColor = "rgb(0 0 0 / 80%)"
    pen.shadowBlur = 4 * devicePixelRatio
    pen.strokeRect(left, top, right - left, bottom - top)
    pen.shadowBlur = 0
    if (face.state !== "looking") drawLabel(pen, label(face), left, bottom, size)
  }
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} left
 * @param {number} bottom
 * @param {number} size
 */
function drawLabel(pen, text, left, bottom, size) {
  const width = Math.min(pen.measureText(text).width + size, pen.canvas.width)
  const x = Math.max(Math.min(left, pen.canvas.width - width), 0)
  const y = Math.min(bottom + size * 0.2, pen.canvas.height - 1.6 * size)
  pen.fillStyle = "rgb(0 0 0 / 72%)"
  pen.fillRect(x, y, width, 1.5 * size)
  pen.fillStyle = "#ffffff"
  pen.fillText(text, x + size / 2, y + 1.1 * size, width - size)
}

/**
 * A person who is called “unknown” is no stranger.
 * @param {Face} face
 */
const label = face => face.name === null ? "Unknown" : face.name.toLowerCase() === "unknown" ? `“${face.name}”` : face.name

/**
 * As text, too: a canvas says nothing to a screen reader.
 * @param {Camera} camera
 * @param {Face[]} faces
 */
function showNames(camera, faces) {
  const seen = faces.filter(face => face.state !== "looking")
  const state = JSON.stringify(faces.map(face => [face.state, face.name]))
  if (!faces.length) camera.boxes.getContext("2d")?.clearRect(0, 0, camera.boxes.width, camera.boxes.height)
  if (state === camera.shown) return
  camera.shown = state
  camera.names.replaceChildren(...seen.map(face => element("li", face.state === "named" ? "" : "unknown", label(face))))
  if (!camera.stream) return
  camera.status.textContent = !faces.length ? "No face in view." : seen.length < faces.length ? "Looking…" : "In view:"
}
