// Where the API is. serve.py answers this file by itself, with the address that it was given.
export const API = "http://127.0.0.1:8000/api/auth";
