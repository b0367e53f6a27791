// Starts Swagger UI. After a sign-in or a refresh tried out there, the token that came is the one the next requests send.

const reader = document.getElementById("reader");

const tokenIn = (response) => {
  const { pathname } = new URL(response.url, location.href);
  return /\/(login|refresh|refresh-token)\/?$/.test(pathname) ? response.body?.data?.token : undefined;
};

const ui = SwaggerUIBundle({
  url: reader.dataset.schema,
  domNode: reader,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  responseInterceptor(response) {
    const token = response.ok && tokenIn(response);
    if (token) ui.preauthorizeApiKey("bearerAuth", token);
    return response;
  },
});
