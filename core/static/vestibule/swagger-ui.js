// Starts Swagger UI. After a login or refresh in the page, later requests send the new access token.

const container = document.getElementById("reader");

const tokenIn = (response) => {
  const { pathname } = new URL(response.url, location.href);
  return /\/(login|refresh|refresh-token)\/?$/.test(pathname) ? response.body?.data?.token : undefined;
};

const ui = SwaggerUIBundle({
  url: container.dataset.schema,
  domNode: container,
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
