// Express with JWTs that can be revoked: one Redis MGET a request asks for the session and the user. Users are in PostgreSQL.
import { randomUUID } from "node:crypto";
import bcrypt from "bcrypt";
import express from "express";
import Redis from "ioredis";
import jwt from "jsonwebtoken";
import pg from "pg";

const SECRET = "only-for-measuring-and-never-reachable-from-elsewhere-0123456789";
const ACCESS_SECONDS = 15 * 60;
const REFRESH_SECONDS = 7 * 24 * 3600;

const database = new pg.Pool({ max: 8 });
const redis = new Redis({ path: process.env.REDIS_SOCKET, db: Number(process.env.REDIS_DATABASE) });
const app = express();
app.use(express.json());

const ROTATE = `
  local held = redis.call('GET', KEYS[1])
  if held ~= ARGV[1] then redis.call('DEL', KEYS[1]) return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  return 1`;
redis.defineCommand("rotate", { numberOfKeys: 1, lua: ROTATE });

function pair(user, sid, jti) {
  const access = jwt.sign({ ...user, sid, kind: "access" }, SECRET, { expiresIn: ACCESS_SECONDS });
  const refresh = jwt.sign({ ...user, sid, jti, kind: "refresh" }, SECRET, { expiresIn: REFRESH_SECONDS });
  return { access, refresh };
}

function claims(token, kind) {
  try {
    const found = jwt.verify(token, SECRET, { algorithms: ["HS256"] });
    return found.kind === kind ? found : null;
  } catch {
    return null;
  }
}

async function authenticated(request, response, next) {
  const found = claims((request.headers.authorization ?? "").replace(/^Bearer /, ""), "access");
  const [session, profile] = found ? await redis.mget(`session:${found.sid}`, `user:${found.id}`) : [];
  if (!session || !profile) return response.status(401).json({ code: "unauthorized" });
  request.sid = found.sid;
  request.profile = profile;
  next();
}

app.get("/me", authenticated, (request, response) => {
  response.type("json").send(request.profile);
});

app.post("/register", async (request, response) => {
  const { username, email, password } = request.body;
  const hash = await bcrypt.hash(password, Number(process.env.BCRYPT_ROUNDS));
  await database.query("INSERT INTO users (id, username, email, hash) VALUES ($1, $2, $3, $4)", [randomUUID(), username, email, hash]);
  response.status(201).json({ username, email });
});

app.post("/login", async (request, response) => {
  const { rows } = await database.query("SELECT id, username, email, hash FROM users WHERE username = $1", [request.body.username]);
  const user = rows[0];
  if (!user || !(await bcrypt.compare(request.body.password, user.hash))) return response.status(401).json({ code: "invalid_credentials" });
  const [sid, jti] = [randomUUID(), randomUUID()];
  const profile = JSON.stringify({ id: user.id, username: user.username, email: user.email });
  await redis.multi().set(`session:${sid}`, jti, "EX", REFRESH_SECONDS).set(`user:${user.id}`, profile).exec();
  response.json(pair({ id: user.id, username: user.username }, sid, jti));
});

app.post("/refresh", async (request, response) => {
  const found = claims(request.body.refresh, "refresh");
  const jti = randomUUID();
  if (!found || !(await redis.rotate(`session:${found.sid}`, found.jti, jti, REFRESH_SECONDS))) return response.status(401).json({ code: "unauthorized" });
  response.json(pair({ id: found.id, username: found.username }, found.sid, jti));
});

app.post("/logout", authenticated, async (request, response) => {
  await redis.del(`session:${request.sid}`);
  response.json({});
});

await database.query("CREATE TABLE IF NOT EXISTS users (id uuid PRIMARY KEY, username text UNIQUE, email text UNIQUE, hash text)");
app.listen(Number(process.env.PORT), "127.0.0.1");
