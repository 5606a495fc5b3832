// While something lies over the page, Back closes it and leaves the page as it is: on a phone that is how one closes.

let lyingOver = 0

/** @param {AbortSignal} signal of what lies over the page; aborted when it is gone */
export function closedByBack(signal) {
  lyingOver += 1
  if (!history.state?.isOver) history.pushState({ ...history.state, isOver: true }, "")
  signal.addEventListener("abort", () => {
    lyingOver -= 1
    setTimeout(() => { if (!lyingOver && history.state?.isOver) history.back() }) // unless it is only drawn anew
  })
}
