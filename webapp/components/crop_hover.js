// Shows the face under the pointer beside a Plotly chart of the page (Plotly itself can write text only), and tells
// Python which part of the chart is in view, whether the browser has no WebGL, and whether the page is narrow.

/**
 * @import { Cleanup, Component } from "./component.d.ts"
 * @typedef {{ container: string, src: string }} Data
 * @typedef {{ x: number[], y: number[] }} View
 * @typedef {{ customdata?: number | number[], data: { meta?: string } }} Point
 * @typedef {{ points?: Point[], event?: MouseEvent }} HoverEvent
 * @typedef {HTMLElement & {
 *   on: (name: string, handler: (event: HoverEvent) => void) => void,
 *   removeListener?: (name: string, handler: (event: HoverEvent) => void) => void,
 *   _fullLayout?: { xaxis?: { range: number[] }, yaxis?: { range: number[] } },
 * }} Plot
 * @typedef {{
 *   root: HTMLElement, card: HTMLElement, image: HTMLImageElement, name: HTMLElement, data: Data,
 *   send: (name: "view" | "webgl" | "narrow", value: unknown) => void, plot: Plot | null, container: Element | null, observer: MutationObserver,
 *   timer: number | undefined, chart: AbortController, life: AbortController,
 * }} Hover
 */

/** @type {WeakMap<ParentNode, Hover>} */
const instances = new WeakMap()
const SIDE = 132
const narrow = matchMedia("(max-width: 900px)")

/**
 * @param {Component<Data>} component
 * @returns {Cleanup}
 */
export default function ({ parentElement, data, setStateValue }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".root"))
  let hover = instances.get(parentElement)
  if (hover?.root !== root) {
    if (hover) dispose(hover)
    instances.set(parentElement, (hover = makeHover(root, data)))
    hover.send = setStateValue
    if (!document.createElement("canvas").getContext("webgl")) setStateValue("webgl", false)
    if (narrow.matches) setStateValue("narrow", true)
  }
  const current = hover
  current.data = data
  current.send = setStateValue
  watch(current)
  return () => void setTimeout(() => root.isConnected || dispose(current))
}

/**
 * @param {HTMLElement} root
 * @param {Data} data
 * @returns {Hover}
 */
function makeHover(root, data) {
  const card = Object.assign(document.createElement("div"), { className: "card", hidden: true })
  const image = Object.assign(document.createElement("img"), { alt: "" })
  const name = Object.assign(document.createElement("div"), { className: "name" })
  card.append(image, name)
  root.append(card)
  const observer = new MutationObserver(() => attach(hover))
  /** @type {Hover} */
  const hover = {
    root, card, image, name, data, send: () => {}, plot: null, container: null, observer, timer: undefined,
    chart: new AbortController(), life: new AbortController(),
  }
  narrow.addEventListener("change", () => hover.send("narrow", narrow.matches), { signal: hover.life.signal })
  return hover
}

/** @param {Hover} hover */
function dispose(hover) {
  clearTimeout(hover.timer)
  hover.observer.disconnect()
  hover.chart.abort()
  hover.life.abort()
  hover.card.remove()
}

/**
 * Streamlit makes a new chart whenever it likes; the newest one in the container is the one to follow.
 * @param {Hover} hover
 */
function watch(hover) {
  const container = document.querySelector(`.st-key-${hover.data.container}`)
  if (container !== hover.container) {
    hover.container = container
    hover.observer.disconnect()
    if (container) hover.observer.observe(container, { childList: true, subtree: true })
  }
  attach(hover)
}

/** @param {Hover} hover */
function attach(hover) {
  const plot = /** @type {Plot | null} */ (hover.container?.querySelector(".js-plotly-plot") ?? null)
  if (!plot?.on || plot === hover.plot) return
  hover.chart.abort()
  hover.chart = new AbortController()
  hover.plot = plot
  hover.card.hidden = true
  const hide = () => { hover.card.hidden = true }
  follow(hover, plot, "plotly_hover", event => show(hover, event))
  follow(hover, plot, "plotly_unhover", hide)
  follow(hover, plot, "plotly_relayout", () => remember(hover, plot))
  plot.addEventListener("mouseleave", hide, { signal: hover.chart.signal })
}

/**
 * Plotly's events know no AbortSignal, and a chart that Plotly has thrown away no longer has any.
 * @param {Hover} hover
 * @param {Plot} plot
 * @param {string} name
 * @param {(event: HoverEvent) => void} handler
 */
function follow(hover, plot, name, handler) {
  plot.on(name, handler)
  hover.chart.signal.addEventListener("abort", () => plot.removeListener?.(name, handler))
}

/**
 * Python draws a new chart after a naming; it should show the same part of the map.
 * @param {Hover} hover
 * @param {Plot} plot
 */
function remember(hover, plot) {
  clearTimeout(hover.timer)
  hover.timer = setTimeout(() => {
    const { xaxis, yaxis } = plot._fullLayout ?? {}
    if (xaxis && yaxis && plot === hover.plot) hover.send("view", { x: [...xaxis.range], y: [...yaxis.range] })
  }, 400)
}

/**
 * @param {Hover} hover
 * @param {HoverEvent} event
 */
function show(hover, { points, event }) {
  const point = points?.[0]
  const face = [point?.customdata].flat()[0]
  if (!point || face === undefined || !event) return
  const { card, image, name, data } = hover
  const src = data.src.replace("/0.jpg", `/${face}.jpg`)
  if (image.getAttribute("src") !== src) image.src = src
  name.textContent = point.data.meta ?? ""
  card.hidden = false
  const right = event.clientX + SIDE + 40 > innerWidth
  card.style.left = `${event.clientX + (right ? -SIDE - 28 : 18)}px`
  card.style.top = `${Math.max(8, Math.min(event.clientY - SIDE / 2, innerHeight - SIDE - 48))}px`
}
