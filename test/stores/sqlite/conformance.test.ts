import { sqliteStore } from 'coatcheck/stores/sqlite'
import { storeConformance } from 'coatcheck/testing'
import { describe, it } from 'vitest'
import { newPath, ways } from './support.js'

describe.each(ways)('a store of SQLite $way', ({ options }) => {
  const newPlace = () => {
    const path = newPath()
    return { open: () => sqliteStore({ path, ...options }) }
  }
  for (const { title, run } of storeConformance(newPlace)) it(title, () => run())
})
