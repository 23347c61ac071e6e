import { describe, expect, test } from 'vitest'
import { readSets } from './ipset.js'
import { InputError } from './problem.js'

const SAVED = `create web hash:ip,port family inet hashsize 1024 maxelem 65536 timeout 300 counters comment
add web 192.0.2.1,tcp:80 timeout 250 packets 3 bytes 180 comment "the old one"
create nets hash:net family inet6 hashsize 1024 maxelem 65536 bucketsize 12 initval 0x01020304
add nets 2001:db8:1::/48 nomatch
add nets 2001:db8::/32
create all list:set size 8
add all web
`

/** The same as `ipset list` prints it. */
const LISTED = `Name: web
Type: hash:ip,port
Revision: 7
Header: family inet hashsize 1024 maxelem 65536 timeout 300 counters comment
Size in memory: 512
References: 1
Number of entries: 1
Members:
192.0.2.1,tcp:80 timeout 250 packets 3 bytes 180 comment "the old one"

Name: nets
Type: hash:net
Revision: 7
Header: family inet6 hashsize 1024 maxelem 65536 bucketsize 12 initval 0x01020304
Size in memory: 1256
References: 0
Number of entries: 2
Members:
2001:db8::/32
2001:db8:1::/48 nomatch

Name: all
Type: list:set
Revision: 3
Header: size 8
Size in memory: 200
References: 0
Number of entries: 1
Members:
web
`

const listed = (text: string) => readSets(text).listed.map(({ name, type, elements }) => `${name} ${type} ${elements}`)

describe('named sets of a snapshot', () => {
  test.each([
    ['ipset save', SAVED],
    ['ipset list', LISTED],
    ['ipset list, with the line ends of another system', LISTED.replaceAll('\n', '\r\n')],
  ])('are read from %s', (_, text) => expect(listed(text)).toEqual(['web hash:ip,port 1', 'nets hash:net 2', 'all list:set 1']))

  test('print as they were, whichever way they were read', () => {
    const print = (text: string) => readSets(text).open(0).print(0)
    expect(print(SAVED)).toBe(SAVED)
    expect(print(LISTED)).toBe(SAVED)
  })

  test('options that once meant something end nothing', () =>
    expect(listed('create a iphash probes 8 resize 50\nadd a 192.0.2.1\ncreate b hash:net\n')).toEqual(['a hash:ip 1', 'b hash:net 0']))

  test('nothing is no sets', () => expect(listed('')).toEqual([]))

  test.each([
    ['a type that nobody knows', 'create a hash:ip\ncreate b hash:nothing\n', 2, 10, "typename 'hash:nothing' is unknown"],
    ['an element that is none', 'create a hash:ip\nadd a 192.0.2.300\n', 2, 7, 'cannot parse 192.0.2.300'],
    ['a set that was not made', 'add b 192.0.2.1\n', 1, 1, 'The set with the given name does not exist'],
    ['of a listing: the header', 'Name: a\nType: hash:ip\nRevision: 6\nHeader: family inet hashsize x\nMembers:\n', 4, 30, "'x' is invalid as number"],
    ['of a listing: a member', 'Name: a\nType: hash:ip\nRevision: 6\nHeader: family inet\nMembers:\n192.0.2.1\nnonsense\n', 7, 1, 'cannot parse nonsense'],
  ])('%s is refused where it stands', (_, text, line, column, message) => {
    const refused = (): InputError => {
      try {
        readSets(text)
      } catch (error) {
        if (error instanceof InputError) return error
      }
      throw new Error('it was read')
    }
    const error = refused()
    expect([error.position.line, error.position.column]).toEqual([line, column])
    expect(error.message).toContain(message)
  })
}) // biome-ignore format: a table
