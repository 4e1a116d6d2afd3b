// Fields for a picture: shows what was chosen before it is uploaded.

export function startPictures(root) {
  for (const field of root.querySelectorAll("[data-picture]")) {
    const [file, gone] = [field.querySelector("input[type=file]"), field.querySelector("input[type=checkbox]")];
    const [figure, image] = [field.querySelector("figure"), field.querySelector("img")];
    file.addEventListener("change", () => {
      if (!file.files.length) return;
      const reader = new FileReader();
      reader.addEventListener("load", () => {
        image.src = reader.result;
        figure.hidden = false;
        gone.checked = false;
        image.classList.remove("going");
      });
      reader.readAsDataURL(file.files[0]);
    });
    gone.addEventListener("change", () => {
      image.classList.toggle("going", gone.checked);
      if (gone.checked) file.value = "";
    });
  }
}
