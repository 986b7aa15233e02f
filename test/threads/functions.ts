/** What Node 20 cannot run by itself: types. */
class Text {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export const shout = ({ text }: { readonly text: string }): string => new Text(text).text.toUpperCase()
