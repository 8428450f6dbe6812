/** Where the files of the console are: `index.html`, `style.css`, `icon.svg` and the modules the page loads. */
export interface ConsoleFiles {
  /** Folder, ends in a slash. Holds `.ts` in a source tree and `.js` in the published package. */
  readonly dir: URL
}

/** The console's files, for the admin server to serve. */
export function consoleFiles(): ConsoleFiles {
  return { dir: new URL('./', import.meta.url) }
}
