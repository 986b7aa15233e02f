/** Lets nothing be published before the package has the address of its repository: see CONTRIBUTING.md. */
const url = process.env['npm_package_repository_url'] ?? ''

if (url === '' || new URL(url).hostname.endsWith('.invalid')) {
  console.error('package.json: replace the address in repository.url by that of the repository, then publish.')
  process.exitCode = 1
}
