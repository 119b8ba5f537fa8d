/**
 * Page loader: hands each page to `transformPage` before Docusaurus compiles it.
 *
 * A loader, and not a plugin of the Markdown compiler, because only a loader can say which other
 * files a page is made from. Without that, a build from the cache would show an old source.
 */
module.exports = function loadPage(markdown) {
  const { transformPage } = this.getOptions();
  return transformPage(markdown, this.resourcePath, {
    dependsOn: (file) => this.addDependency(file),
    dependsOnFolder: (folder) => this.addContextDependency(folder),
  });
};
