import { event } from 'partyline'
import { z } from 'zod'

/** A person's name. NFC, so that two spellings of one é are one name. */
const name = z.string().trim().normalize('NFC').min(1).max(32)
const room = z.string().trim().normalize('NFC').min(1).max(64)
const text = z.string().trim().min(1).max(2000)

// From clients.

export const signIn = event('sign_in', { data: z.object({ name }), reply: z.object({ name }) })
export const rename = event('rename', { data: z.object({ name }), reply: z.object({ name }) })
export const join = event('join', { data: z.object({ room }), reply: z.void() })
export const leave = event('leave', { data: z.object({ room }), reply: z.void() })
export const say = event('say', { data: z.object({ room, text }), reply: z.void() })
export const who = event('who', { data: z.object({ room }), reply: z.object({ names: z.array(name) }) })

// To everybody in the room.

export const joined = event('joined', { data: z.object({ room, name }) })
export const left = event('left', { data: z.object({ room, name }) })
export const renamed = event('renamed', { data: z.object({ room, name, was: name }) })
export const said = event('said', { data: z.object({ room, name, text, timestamp: z.number() }) })
