// Gradio says nothing where the browser gives no camera: say below the picture what to do.
;(() => {
  const media = navigator.mediaDevices
  if (!media?.getUserMedia) return
  const ask = media.getUserMedia.bind(media)
  const sentences = {
    NotAllowedError: "The camera was refused: allow it for this page beside the address, then click again.",
    NotFoundError: "There is no camera: connect one, then click again, or upload a photo.",
    OverconstrainedError: "That camera is gone: choose another one, then click again.",
    NotReadableError: "The camera is in use: close the program that uses it, then click again.",
  }
  const note = Object.assign(document.createElement("p"), { className: "note wrong" })
  note.setAttribute("role", "alert")
  media.getUserMedia = async wanted => {
    note.remove()
    try {
      return await ask(wanted)
    } catch (error) {
      note.textContent = sentences[error.name] ?? "The camera can't be used: choose another one, or another browser."
      document.querySelector(".image-container")?.closest(".block")?.after(note)
      throw error
    }
  }
})()
