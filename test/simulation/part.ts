import type { World } from './world.js'

/** One concern of a world: what is done about it, and what is looked at. */
export abstract class Part {
  protected readonly world: World

  constructor(world: World) {
    this.world = world
  }
}
