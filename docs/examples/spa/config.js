// The URL of the API. serve.py replaces this file with the URL that it was given.
export const API = "http://127.0.0.1:8000/api/auth";
