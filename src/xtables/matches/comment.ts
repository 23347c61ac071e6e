import { always } from '../../rules/condition.js'
import { quote, text } from '../codec.js'
import { defineMatch } from '../match.js'

export const comment = defineMatch({
  name: 'comment',
  families: [4, 6],
  required: ['comment'],
  options: { comment: { flag: '--comment', value: text(255), doc: 'up to 255 characters' } },
  listed: [[/\/\* (.*?) \*\//y, (_, words = '') => `--comment ${quote(words)}`]],
  doc: { summary: 'A remark. Matches everything.', kernel: 'net/netfilter/xt_comment.c: comment_mt' },
  list: ({ comment }) => ` /* ${comment!.value} */`,
  lower: () => always,
})
