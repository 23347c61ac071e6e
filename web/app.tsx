import { useEffect } from 'preact/hooks'
import { t } from './i18n/index.js'
import { say } from './i18n/say.js'
import { PathPicture } from './map/map.js'
import { Topology } from './map/topology.js'
import { Editor } from './panels/editor.js'
import { filesOfDrop } from './panels/files.js'
import { Findings } from './panels/findings.js'
import { Header } from './panels/header.js'
import { Here } from './panels/here.js'
import { Learn } from './panels/learn.js'
import { PacketForm, Verdict } from './panels/packet.js'
import { PacketFields } from './panels/packet-fields.js'
import { PasteDialog } from './panels/paste.js'
import { HeaderCard, keys, Player, title } from './panels/player.js'
import { Questions } from './panels/reach.js'
import { Recognised } from './panels/recognised.js'
import { Rules } from './panels/rules.js'
import { WhatIf } from './panels/what-if.js'
import { asked, failure, open, shown, snapshotProblems } from './state.js'

export function App() {
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault()
    const drop = async (event: DragEvent) => {
      event.preventDefault()
      const files = event.dataTransfer ? await filesOfDrop(event.dataTransfer) : []
      if (files.length > 0) await open({ files })
    }
    document.addEventListener('dragover', over)
    document.addEventListener('drop', drop)
    document.addEventListener('keydown', keys)
    return () => {
      document.removeEventListener('dragover', over)
      document.removeEventListener('drop', drop)
      document.removeEventListener('keydown', keys)
    }
  }, [])
  return (
    <>
      <Header />
      <main>
        <PacketForm />
        <PacketFields />
        <Complaints />
        <Verdict />
        <div class="stage-area">
          <div class="column">
            <section class="map panel" aria-labelledby="map-title">
              <h2 id="map-title">{title()}</h2>
              <Topology />
              <PathPicture />
              <Player />
            </section>
            <Rules />
            <Questions />
            <Editor />
          </div>
          <aside class="column">
            <Learn />
            <Recognised />
            <HeaderCard />
            <Here />
            <WhatIf />
            <Findings />
            <Assumptions />
          </aside>
        </div>
      </main>
      <footer>
        <p>
          {t('local')} {t('dropHere')}. {t('keyboard')}.
        </p>
      </footer>
      <PasteDialog />
    </>
  )
}

/** What could not be read, with its place; and faults of our own. */
function Complaints() {
  const problems = snapshotProblems.value
  if (problems.length === 0 && failure.value === undefined) return null
  return (
    <section class="problems" role="alert">
      {problems.length > 0 && <h2>{t('problems')}</h2>}
      <ul>
        {problems.slice(0, 20).map(({ file, line, column, message }) => (
          <li key={`${file} ${line} ${column} ${message}`}>
            <code>{[file, line, column].filter((part) => part !== undefined).join(':')}</code> {say(message)}
          </li>
        ))}
      </ul>
      {failure.value !== undefined && (
        <p>
          {t('failed')}: {failure.value}
        </p>
      )}
    </section>
  )
}

function Assumptions() {
  const all = asked.value?.trace.assumptions ?? shown.value?.assumptions ?? []
  if (all.length === 0) return null
  return (
    <details>
      <summary>{`${t('assumptions')} (${all.length})`}</summary>
      <ul>
        {all.map((text) => (
          <li key={text}>{say(text)}</li>
        ))}
      </ul>
    </details>
  )
}
