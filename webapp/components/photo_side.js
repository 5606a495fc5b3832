// Beside the photo: who is on it, with a face or without one.

/**
 * @import { Viewer } from "./photo_viewer.js"
 * @typedef {"unseen" | "behind"} Presence
 * @typedef {{ person: number, name: string, presence: Presence }} Faceless
 */

import { button, choose, leave, redraw, send, turnTo } from "./photo_viewer.js"
import { element, retype, typeAhead } from "./type_ahead.js"

/** @type {Record<Presence, string>} */
const PRESENCES = { unseen: "No face visible", behind: "From behind" }

/** @param {Viewer} viewer */
export function drawSide(viewer) {
  const { data } = viewer
  const rows = [...faceRows(viewer), ...data.without.map(one => facelessRow(viewer, one))]
  const none = element("p", "none", data.editable ? "No faces found. Draw a box around one." : "No faces found.")
  const list = rows.length ? element("ul", "", ...rows) : none
  const more = data.editable ? [viewer.isAdding ? adding(viewer) : beginning(viewer)] : []
  viewer.side.replaceChildren(element("h3", "", "In this photo"), list, ...more, element("p", "keys", keys(viewer)))
}

/** @param {Viewer} viewer */
function faceRows(viewer) {
  return viewer.data.faces.map(face => {
    const picture = Object.assign(element("img", ""), { src: face.src, alt: "", loading: "lazy" })
    const row = Object.assign(element("button", "row", picture, element("span", "", face.name || "Unnamed")), { type: "button" })
    row.classList.toggle("chosen", face.id === viewer.chosen)
    row.classList.toggle("unnamed", !face.name)
    if (face.isAside) row.append(element("small", "", "ignored"))
    row.dataset.key = `face-${face.id}`
    row.addEventListener("click", () => choose(viewer, face.id))
    return element("li", "", row)
  })
}

/**
 * @param {Viewer} viewer
 * @param {Faceless} one
 */
function facelessRow(viewer, { person, name, presence }) {
  const row = element("div", "row faceless", element("span", "", name), element("small", "", PRESENCES[presence].toLowerCase()))
  if (viewer.data.editable) {
    const title = `Remove ${name} from this photo`
    row.append(button(`absent-${person}`, "✕", title, () => send(viewer, { act: "absent", person })))
  }
  return element("li", "", row)
}

/** @param {Viewer} viewer */
function beginning(viewer) {
  const title = "Somebody who is in the photo, but whose face can't be seen"
  return button("without", "Add a person without a face", title, () => {
    turnTo(viewer, { isAdding: true })
    viewer.side.querySelector("input")?.focus()
  })
}

/**
 * The box for the name, and how the person is on the photo.
 * @param {Viewer} viewer
 */
function adding(viewer) {
  const { data } = viewer
  const { input, list } = typeAhead(() => data.people, {
    onPerson: person => send(viewer, { act: "present", person: person.id, presence: viewer.presence }),
    onNew: name => send(viewer, { act: "present", name, presence: viewer.presence }),
    onLeave: () => leave(viewer),
  })
  input.placeholder = "Who is in this photo?"
  input.dataset.key = "without-name"
  input.setAttribute("aria-label", "Person without a face")
  const kinds = /** @type {[Presence, string][]} */ (Object.entries(PRESENCES)).map(([presence, text]) => {
    const kind = button(`presence-${presence}`, text, text, () => {
      const typed = input.value
      viewer.presence = presence
      redraw(viewer)
      const fresh = viewer.side.querySelector("input")
      fresh?.focus()
      retype(fresh, typed)
    })
    kind.setAttribute("aria-pressed", String(presence === viewer.presence))
    return kind
  })
  const error = element("p", "error", viewer.data.error)
  error.setAttribute("role", "alert")
  const close = button("close-without", "✕", "Close (Escape)", () => leave(viewer))
  const kindsRow = element("div", "set kinds", ...kinds, close)
  kindsRow.setAttribute("role", "group")
  kindsRow.setAttribute("aria-label", "How they appear")
  return element("div", "adding", kindsRow, input, error, list)
}

/** @param {Viewer} viewer */
function keys({ data }) {
  return [...(data.previous || data.next ? ["← → photos"] : []), ...(data.gone ? [] : ["+ − 0 zoom", "Shift + arrows move"]),
    ...(data.editable && !data.gone ? ["D draws", "M moves"] : []), ...(data.editable ? ["Ctrl+Z undoes"] : [])].join(" · ")
}
