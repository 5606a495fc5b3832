// Shows the face under the pointer beside a Plotly chart of the page (Plotly itself can write text only), and tells
// Python which part of the chart is in view.

const hovers = new WeakMap()
const SIDE = 132

export default function (component) {
  const { parentElement, data, setStateValue } = component
  const root = parentElement.querySelector(".root")
  let hover = hovers.get(root)
  if (!hover) hovers.set(root, (hover = makeHover(root)))
  hover.data = data
  hover.tell = view => setStateValue("view", view)
  watch(hover)
  return () => { clearTimeout(hover.timer); hover.observer?.disconnect(); hover.card.remove() }
}

function makeHover(root) {
  const card = Object.assign(document.createElement("div"), { className: "card", hidden: true })
  const image = Object.assign(document.createElement("img"), { alt: "" })
  const name = Object.assign(document.createElement("div"), { className: "name" })
  card.append(image, name)
  root.append(card)
  return { root, card, image, name, plot: null, observer: null }
}

// Streamlit makes a new chart whenever it likes; the newest one in the container is the one to follow.
function watch(hover) {
  const container = document.querySelector(`.st-key-${hover.data.container}`)
  if (!container) return
  attach(hover, container)
  hover.observer?.disconnect()
  hover.observer = new MutationObserver(() => attach(hover, container))
  hover.observer.observe(container, { childList: true, subtree: true })
}

function attach(hover, container) {
  const plot = container.querySelector(".js-plotly-plot")
  if (!plot?.on || plot === hover.plot) return
  hover.plot = plot
  hover.card.hidden = true
  plot.on("plotly_hover", event => show(hover, event))
  plot.on("plotly_unhover", () => { hover.card.hidden = true })
  plot.on("plotly_relayout", () => remember(hover, plot))
  plot.addEventListener("mouseleave", () => { hover.card.hidden = true })
}

// Python draws a new chart after a naming; it should show the same part of the map.
function remember(hover, plot) {
  clearTimeout(hover.timer)
  hover.timer = setTimeout(() => {
    const { xaxis, yaxis } = plot._fullLayout ?? {}
    if (xaxis && plot === hover.plot) hover.tell({ x: [...xaxis.range], y: [...yaxis.range] })
  }, 400)
}

function show(hover, { points, event }) {
  const point = points?.[0]
  const face = [point?.customdata].flat()[0]
  if (face === undefined || !event) return
  const { card, image, name, data } = hover
  const src = data.src.replace("/0.jpg", `/${face}.jpg`)
  if (image.getAttribute("src") !== src) image.src = src
  name.textContent = point.data.meta ?? ""
  card.hidden = false
  const right = event.clientX + SIDE + 40 > window.innerWidth
  card.style.left = `${event.clientX + (right ? -SIDE - 28 : 18)}px`
  card.style.top = `${Math.max(8, Math.min(event.clientY - SIDE / 2, window.innerHeight - SIDE - 48))}px`
}
