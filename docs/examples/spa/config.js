// The URL of the API. serve.py replaces this file with the URL that it was given.
export const API = "http://localhost:8000/api/auth";
