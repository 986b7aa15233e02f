import { createHash } from 'node:crypto'
import { type HttpReply, replyWith } from '../../http/index.js'
import { MARKUP } from './markup.js'
import { SCRIPT } from './script.js'
import { STYLE } from './style.js'

/** A button that the reader of the page may press. */
export type Button = 'cancel' | 'stop'

/** Only this script and this style run: the policy has their hashes, and no text can become markup or script. */
const POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(SCRIPT)}'`,
  `style-src '${hashOf(STYLE)}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join('; ')

/** Which pool the page is of: one of this process, or one that several processes share. */
export type PageOf = 'local' | 'shared'

/** The page with these buttons. */
export function pageReply(of: PageOf, buttons: readonly Button[]): HttpReply {
  return replyWith(200, {
    body: pageWith(of, buttons),
    contentType: 'text/html; charset=utf-8',
    headers: {
      'Cache-Control': 'no-store', // the next reader may have other buttons
      'Content-Security-Policy': POLICY,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin'
    }
  })
}

function pageWith(of: PageOf, buttons: readonly Button[]): string {
  return `<!doctype html>
<html lang="en" data-pool="${of}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Worker pool</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body data-buttons="${buttons.join(' ')}">
${MARKUP}
<script>${SCRIPT}</script>
</body>
</html>
`
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
