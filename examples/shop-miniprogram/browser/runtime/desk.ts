/** The desk around the phone. */
document.title = document.title.trim()
