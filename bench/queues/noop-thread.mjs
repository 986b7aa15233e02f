// biome-ignore lint/style/noDefaultExport: this is where piscina looks for the function
export default () => {}
