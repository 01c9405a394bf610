// Downloads an artifact of the running workflow with GitHub's own client, the code behind actions/download-artifact.
// usage: node download.mjs NAME FOLDER [DIGEST]     the service stands in the runner's variables; prints one JSON object
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'
import path from 'node:path'

const modules = process.env.NODE_PATH ?? path.join(import.meta.dirname, 'node_modules')
const require = createRequire(path.join(modules, 'x.js'))
const entry = path.join(modules, '@actions', 'artifact', 'lib', 'artifact.js')
const {DefaultArtifactClient} = await import(pathToFileURL(entry))
const {version} = require(path.join(modules, '@actions', 'artifact', 'package.json'))

const [name, folder, expectedHash] = process.argv.slice(2)
const client = new DefaultArtifactClient()
const {artifacts} = await client.listArtifacts()
const {artifact} = await client.getArtifact(name)
const {digestMismatch} = await client.downloadArtifact(artifact.id, {path: folder, expectedHash})
// The client prints lines of its own: the result is the last one.
console.log(JSON.stringify({client: version, artifact, listed: artifacts.map(a => a.name), digestMismatch}))
