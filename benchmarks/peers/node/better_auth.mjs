// better-auth with PostgreSQL, as its documentation sets it up, with bearer tokens; with SECONDARY_STORAGE its sessions are in Redis.
import { createServer } from "node:http";
import bcrypt from "bcrypt";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, username } from "better-auth/plugins";
import Redis from "ioredis";
import pg from "pg";

const redis = process.env.SECONDARY_STORAGE
  ? new Redis({ path: process.env.REDIS_SOCKET, db: Number(process.env.REDIS_DATABASE) })
  : null;
const storage = redis && {
  get: (key) => redis.get(key),
  set: (key, value, seconds) => (seconds ? redis.set(key, value, "EX", seconds) : redis.set(key, value)),
  delete: (key) => redis.del(key),
};

const auth = betterAuth({
  database: new pg.Pool({ max: 8 }),
  secret: "only-for-measuring-and-never-reachable-from-elsewhere-0123456789",
  baseURL: `http://127.0.0.1:${process.env.PORT}`,
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => bcrypt.hash(password, Number(process.env.BCRYPT_ROUNDS)),
      verify: ({ hash, password }) => bcrypt.compare(password, hash),
    },
  },
  ...(storage && { secondaryStorage: storage }),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [bearer(), username()],
});

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
createServer(toNodeHandler(auth)).listen(Number(process.env.PORT), "127.0.0.1");
