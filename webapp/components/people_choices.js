// The people that a box for a name offers.

/**
 * @typedef {{ id: number, name: string, note: string, src: string | null }} Person
 */

const SHOWN = 7

/** @type {{ address: string, people: Person[] | null, coming: Promise<Person[]> }} */
const NOBODY = { address: "", people: [], coming: Promise.resolve([]) }
let kept = NOBODY

/**
 * The people at an address of the server, which is another one when they change. They come once for all boxes; an
 * address that fails is asked again the next time.
 * @param {string} address
 */
export function peopleAt(address) {
  if (!address) return NOBODY
  if (kept.address === address) return kept
  const mine = kept = { address, people: /** @type {Person[] | null} */ (null), coming: load(address) }
  mine.coming.then(people => { mine.people = people }, () => { if (kept === mine) kept = NOBODY })
  return mine
}

/**
 * @param {string} address
 * @returns {Promise<Person[]>}
 */
async function load(address) {
  const answer = await fetch(address)
  if (!answer.ok) throw new Error(`${answer.status} for ${address}`)
  return await answer.json()
}

/** @param {string} text */
const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase()

/**
 * The people whose name holds what is typed: the same name first, then those that begin with it.
 * @param {Person[]} people
 * @param {string} typed
 */
export function matching(people, typed) {
  const wanted = plain(typed)
  if (!wanted) return people.slice(0, SHOWN)
  /** @type {[number, Person][]} */
  const scored = []
  for (const person of people) {
    const name = plain(person.name)
    const place = name.indexOf(wanted)
    if (place >= 0) scored.push([name === wanted ? 0 : place === 0 ? 1 : name[place - 1] === " " ? 2 : 3, person])
  }
  return scored.sort((one, other) => one[0] - other[0]).slice(0, SHOWN).map(([, person]) => person)
}

/**
 * What a new person with a typed name is called. Two people of one name are told apart by a number, as files and other
 * programs go by the name alone.
 * @param {Person[]} people
 * @param {string} typed
 */
export function newName(people, typed) {
  const taken = new Set(people.map(person => same(person.name)))
  let name = typed
  for (let number = 2; taken.has(same(name)); number += 1) name = `${typed} (${number})`
  return name
}

/** As the server compares names: by upper case, as that makes ß and SS one. @param {string} name */
const same = name => name.normalize("NFC").replace(/[\u200c\u200d]/g, "").toUpperCase()
