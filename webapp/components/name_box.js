// One box to type a new name or pick a person. Unlike a select box it keeps what is typed when the focus leaves, so
// that "type, click the button" works; Enter asks Python to go ahead. Text carries the revision that it was typed
// for: after a naming the box is empty again, and a late message with the old name means nothing.

const PATIENCE_MS = 300
const SHOWN = 8
const boxes = new WeakMap()

export default function (component) {
  const { parentElement, data, setStateValue, setTriggerValue } = component
  const root = parentElement.querySelector(".root")
  let box = boxes.get(root)
  if (!box) boxes.set(root, (box = makeBox(root)))
  box.send = (text, isEntered) => {
    setStateValue("typed", { text, revision: box.revision })
    if (isEntered) setTriggerValue("entered", { text, revision: box.revision })
  }
  update(box, data)
}

function makeBox(root) {
  const input = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", spellcheck: false })
  const list = Object.assign(document.createElement("ul"), { className: "list", id: "list" })
  const error = Object.assign(document.createElement("div"), { className: "error", id: "error" })
  error.setAttribute("role", "alert")
  list.setAttribute("role", "listbox")
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", "list"],
    ["aria-expanded", "false"], ["aria-describedby", "error"]]) input.setAttribute(name, value)
  root.append(input, list, error)
  const box = { root, input, list, error, people: [], shown: [], active: -1, timer: null, revision: null }
  input.addEventListener("input", () => { blame(box, ""); open(box); tell(box) })
  input.addEventListener("pointerdown", () => open(box)) // not on focus: the cursor may come here by itself
  input.addEventListener("blur", () => { close(box); flush(box) })
  input.addEventListener("keydown", event => onKey(box, event))
  list.addEventListener("pointerdown", event => {
    event.preventDefault() // the input keeps the focus
    const item = event.target.closest("li")
    if (item) pick(box, Number(item.dataset.place))
  })
  return box
}

function update(box, data) {
  box.people = data.people
  box.input.placeholder = data.placeholder
  box.input.setAttribute("aria-label", data.label)
  if (box.revision !== data.revision) {
    const isFirst = box.revision === null
    box.revision = data.revision
    box.input.value = isFirst ? data.text : ""
    close(box)
    if (data.focus) box.input.focus({ preventScroll: true })
  }
  blame(box, data.error)
}

function blame(box, sentence) {
  box.error.textContent = sentence ?? ""
  box.input.setAttribute("aria-invalid", Boolean(sentence))
}

// --- telling Python ------------------------------------------------------------------------------------------------

function tell(box) {
  clearTimeout(box.timer)
  box.timer = setTimeout(() => flush(box), PATIENCE_MS)
}

function flush(box) {
  if (box.timer === null) return
  clearTimeout(box.timer)
  box.timer = null
  box.send(box.input.value, false)
}

function enter(box) {
  clearTimeout(box.timer)
  box.timer = null
  close(box)
  box.send(box.input.value, true)
}

// --- suggestions ---------------------------------------------------------------------------------------------------

const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase()

function matches(box) {
  const wanted = plain(box.input.value.trim())
  if (!wanted) return box.people.slice(0, SHOWN)
  const scored = []
  for (const person of box.people) {
    const name = plain(person.name)
    const place = name.indexOf(wanted)
    if (place >= 0) scored.push([name === wanted ? 0 : place === 0 ? 1 : name[place - 1] === " " ? 2 : 3, person])
  }
  return scored.sort((one, other) => one[0] - other[0]).slice(0, SHOWN).map(([, person]) => person)
}

function open(box) {
  box.shown = matches(box)
  box.active = -1
  const items = box.shown.map((person, place) => itemOf(box, person, place))
  const typed = box.input.value.trim()
  if (typed && !box.people.some(person => plain(person.name) === plain(typed))) items.push(newItem(typed))
  box.list.replaceChildren(...items)
  box.input.setAttribute("aria-expanded", items.length > 0)
  box.input.removeAttribute("aria-activedescendant")
}

function close(box) {
  box.list.replaceChildren()
  box.active = -1
  box.input.setAttribute("aria-expanded", "false")
  box.input.removeAttribute("aria-activedescendant")
}

function span(name, text) {
  return Object.assign(document.createElement("span"), { className: name, textContent: text })
}

function itemOf(box, person, place) {
  const item = document.createElement("li")
  item.id = `person-${place}`
  item.dataset.place = place
  item.setAttribute("role", "option")
  const face = person.src ? Object.assign(document.createElement("img"), { src: person.src, alt: "" }) : span("new", "·")
  item.append(face, span("who", person.name), span("note", person.note))
  return item
}

function newItem(typed) {
  const item = document.createElement("li")
  item.id = "person-new"
  item.dataset.place = -1
  item.setAttribute("role", "option")
  item.append(span("new", "+"), span("who", typed), span("note", "new person"))
  return item
}

function pick(box, place) {
  if (place >= 0) box.input.value = box.shown[place].name
  close(box)
  box.send(box.input.value, false)
}

function move(box, step) {
  if (!box.list.children.length) open(box)
  const size = box.list.children.length
  if (!size) return
  box.active = (box.active + step + size + (box.active < 0 && step < 0 ? 1 : 0)) % size
  for (const [place, item] of [...box.list.children].entries()) item.setAttribute("aria-selected", place === box.active)
  const item = box.list.children[box.active]
  box.input.setAttribute("aria-activedescendant", item.id)
  item.scrollIntoView({ block: "nearest" })
}

function onKey(box, event) {
  event.stopPropagation() // what is typed here is no shortcut of the page
  if (event.key === "ArrowDown") move(box, 1)
  else if (event.key === "ArrowUp") move(box, -1)
  else if (event.key === "Escape") box.list.children.length ? close(box) : box.input.blur()
  else if (event.key === "Enter" && !event.isComposing) {
    const place = Number(box.list.children[box.active]?.dataset.place ?? -1)
    if (place >= 0) box.input.value = box.shown[place].name
    enter(box)
  } else return
  event.preventDefault()
}
