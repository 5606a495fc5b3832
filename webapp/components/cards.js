// Cards with a picture, a title and a detail: a strip to move along, or a grid to open from.

const roots = new WeakMap()

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const root = parentElement.querySelector(".root")
  let cards = roots.get(root)
  if (!cards) roots.set(root, (cards = makeCards(root)))
  cards.choose = id => setTriggerValue("chosen", id)
  draw(cards, data)
}

function makeCards(root) {
  const list = document.createElement("div")
  list.setAttribute("role", "group")
  root.append(list)
  const cards = { list, byId: new Map(), current: undefined, choose: () => {} }
  list.addEventListener("click", event => {
    const card = event.target.closest(".card")
    if (card) cards.choose(Number(card.dataset.id))
  })
  list.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const card = event.target.closest(".card")
    if (!step || !card) return
    const other = step > 0 ? card.nextElementSibling : card.previousElementSibling
    other?.focus()
    event.preventDefault()
  })
  return cards
}

function draw(cards, data) {
  cards.list.className = data.look
  cards.list.setAttribute("aria-label", data.label)
  const wanted = new Set(data.cards.map(card => card.id))
  for (const [id, card] of cards.byId) if (!wanted.has(id)) { card.remove(); cards.byId.delete(id) }
  data.cards.forEach((one, place) => {
    const card = cards.byId.get(one.id) ?? makeCard(cards, one.id)
    fill(card, one, data.current === one.id)
    if (cards.list.children[place] !== card) cards.list.insertBefore(card, cards.list.children[place] ?? null)
  })
  if (cards.current !== data.current) reveal(cards, data.current)
}

function makeCard(cards, id) {
  const card = document.createElement("button")
  card.type = "button"
  card.className = "card"
  card.dataset.id = id
  const picture = document.createElement("span")
  picture.className = "picture"
  picture.style.display = "block"
  const image = document.createElement("img")
  image.loading = "lazy"
  image.decoding = "async"
  image.draggable = false
  image.alt = ""
  picture.append(image)
  const [title, detail] = ["title", "detail"].map(name => {
    const line = document.createElement("span")
    line.className = name
    return line
  })
  card.append(picture, title, detail)
  cards.byId.set(id, card)
  return card
}

function fill(card, one, isCurrent) {
  const [image, title, detail] = ["img", ".title", ".detail"].map(name => card.querySelector(name))
  if (one.src && image.getAttribute("src") !== one.src) image.src = one.src
  image.style.visibility = one.src ? "" : "hidden"
  title.textContent = one.title
  detail.textContent = one.detail ?? ""
  detail.style.display = one.detail ? "" : "none"
  card.title = one.hint ?? one.title
  card.setAttribute("aria-label", [one.hint ?? one.title, one.detail].filter(Boolean).join(", "))
  if (isCurrent) card.setAttribute("aria-current", "true")
  else card.removeAttribute("aria-current")
}

// Only the strip moves; the page stays where it is.
function reveal(cards, current) {
  cards.current = current
  const card = cards.byId.get(current)
  if (!card || cards.list.className !== "strip") return
  const [list, middle] = [cards.list, card.offsetLeft - cards.list.offsetLeft + card.offsetWidth / 2]
  list.scrollTo({ left: middle - list.clientWidth / 2, behavior: "smooth" })
}
