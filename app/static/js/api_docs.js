// Shows the API description that the page names.
const place = document.getElementById("api-docs");

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.spec,
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  docExpansion: "list",
  validatorUrl: null,
});
