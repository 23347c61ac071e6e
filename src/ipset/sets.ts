import { type Data, KernelError } from './data.js'
import { ListBody } from './list-body.js'
import { createSet, featuresOf, type IpSet } from './set.js'
import type { SetType } from './type.js'

/**
 * All sets of a network namespace, by index as the kernel has them (net/netfilter/ipset/ip_set_core.c): a new one takes the first free place, and a name
 * stays at its place when two sets are swapped. Changed in place; `clone` first where the old state is still wanted.
 */
export class Sets {
  readonly #places: ({ readonly name: string; readonly set: IpSet } | undefined)[] = []
  readonly #byName = new Map<string, number>()

  clone(): Sets {
    const copy = new Sets()
    for (const [index, place] of this.#places.entries()) if (place) copy.#put(index, place.name, place.set.clone())
    return copy
  }

  #put(index: number, name: string, set: IpSet): void {
    this.#places[index] = { name, set }
    this.#byName.set(name, index)
  }

  /** Another set at the place of this name. */
  replace(name: string, set: IpSet): void {
    const index = this.#byName.get(name)
    if (index !== undefined) this.#put(index, name, set)
  }

  get size(): number {
    return this.#byName.size
  }

  get names(): readonly string[] {
    return this.all.map(({ name }) => name)
  }

  /** By index. */
  get all(): readonly { readonly name: string; readonly set: IpSet }[] {
    return this.#places.filter((place) => place !== undefined)
  }

  /** In the order of `ipset save`: lists come behind what they may hold. */
  get listed(): readonly { readonly name: string; readonly set: IpSet }[] {
    const isList = ({ set }: { readonly set: IpSet }) => set.type.kind === 'list'
    return [...this.all.filter((one) => !isList(one)), ...this.all.filter(isList)]
  }

  get(name: string): IpSet | undefined {
    const index = this.#byName.get(name)
    return index === undefined ? undefined : this.#places[index]!.set
  }

  /** Throws KernelError ENOENT. */
  need(name: string): IpSet {
    const set = this.get(name)
    if (!set) throw new KernelError('ENOENT')
    return set
  }

  /** How many lists hold it. */
  references(name: string): number {
    return this.all.reduce((sum, { set }) => {
      const { body } = set
      return sum + (body instanceof ListBody ? body.held.filter((held) => held === name).length : 0)
    }, 0)
  }

  create(name: string, type: SetType, data: Data, exist: boolean): void {
    const set = createSet(type, data)
    const clash = this.get(name)
    if (clash) {
      if (exist && set.isLike(clash)) return
      throw new KernelError('EEXIST')
    }
    let free = 0
    while (this.#places[free]) free++
    this.#put(free, name, set)
  }

  add(name: string, data: Data, exist: boolean, now: number): void {
    const set = this.need(name)
    this.#checkMember(set, data)
    set.change('add', data, exist, now)
  }

  delete(name: string, data: Data, exist: boolean, now: number): void {
    const set = this.need(name)
    this.#checkMember(set, data)
    set.change('del', data, exist, now)
  }

  test(name: string, data: Data, now: number): boolean {
    const set = this.need(name)
    // what is wrong with a test makes it a no: the kernel has one answer for both
    try {
      this.#checkMember(set, data)
      return set.test(data, now)
    } catch (error) {
      if (error instanceof KernelError) return false
      throw error
    }
  }

  /** list_set_uadt: the set, and the one beside which it is to stand, exist; lists are not put into lists. */
  #checkMember(set: IpSet, data: Data): void {
    if (set.type.kind !== 'list') return
    const { name, nameref } = data
    set.given(data)
    const member = this.get(name!)
    if (!member) throw new KernelError('NAME')
    if (member.type.kind === 'list') throw new KernelError('LOOP')
    if (nameref !== undefined && !this.get(nameref)) throw new KernelError('NAMEREF')
  }

  flush(name?: string): void {
    if (name !== undefined) this.need(name).body.flush()
    else for (const { set } of this.all) set.body.flush()
  }

  /** `held`: how many rules use a set. */
  destroy(name: string | undefined, exist: boolean, held: (name: string) => number = () => 0): void {
    const busy = (one: string) => this.references(one) + held(one) > 0
    if (name === undefined) {
      if (this.names.some(busy)) throw new KernelError('BUSY')
      this.#places.length = 0
      this.#byName.clear()
      return
    }
    const index = this.#byName.get(name)
    if (index === undefined) {
      if (exist) return
      throw new KernelError('ENOENT')
    }
    if (busy(name)) throw new KernelError('BUSY')
    this.#places[index] = undefined
    this.#byName.delete(name)
  }

  rename(from: string, to: string, held: (name: string) => number = () => 0): void {
    const set = this.need(from)
    if (this.references(from) + held(from) > 0) throw new KernelError('REFERENCED')
    if (this.get(to)) throw new KernelError('EXIST_SETNAME2')
    const index = this.#byName.get(from)!
    this.#byName.delete(from)
    this.#put(index, to, set)
  }

  swap(from: string, to: string): void {
    const one = this.need(from)
    const other = this.get(to)
    if (!other) throw new KernelError('EXIST_SETNAME2')
    if (featuresOf(one.type) !== featuresOf(other.type) || one.header.family !== other.header.family)
      throw new KernelError('TYPE_MISMATCH')
    this.#put(this.#byName.get(from)!, from, other)
    this.#put(this.#byName.get(to)!, to, one)
  }
}
