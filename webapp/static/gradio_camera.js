// Gradio says nothing where the browser gives no camera: say below the picture what to do.
;(() => {
  const media = navigator.mediaDevices
  if (!media?.getUserMedia) return
  const ask = media.getUserMedia.bind(media)
  const sentences = {
    NotAllowedError: "The camera is blocked. Allow it for this page next to the address bar, then click again.",
    NotFoundError: "No camera was found. Connect one, then click again, or upload a photo.",
    OverconstrainedError: "That camera is no longer connected. Choose another one, then click again.",
    NotReadableError: "The camera is in use. Close the program that is using it, then click again.",
  }
  const note = Object.assign(document.createElement("p"), { className: "note wrong" })
  note.setAttribute("role", "alert")
  media.getUserMedia = async wanted => {
    note.remove()
    try {
      return await ask(wanted)
    } catch (error) {
      note.textContent = sentences[error.name] ?? "The camera can't be used. Choose another, or try another browser."
      document.querySelector(".image-container")?.closest(".block")?.after(note)
      throw error
    }
  }
})()
