/** What Streamlit hands to the default export of a component (st.components.v2), at first and again at each rerun. */
export interface Component<Data> {
  parentElement: ShadowRoot | HTMLElement
  data: Data
  setStateValue(name: string, value: unknown): void
  setTriggerValue(name: string, value: unknown): void
}

/**
 * Streamlit calls it when the component leaves the page. It also calls that of a run that was overtaken by the next
 * one, while the component stays: look at isConnected before letting go of anything.
 */
export type Cleanup = () => void
