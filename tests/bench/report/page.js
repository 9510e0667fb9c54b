// What cannot be read, as a list of texts with their contrast: WCAG 2's ratio of each text to what is painted behind it.
// Text in SVG stands on the card of its chart, or on the shapes below its middle.
(() => {
  const channel = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const parse = color => {
    const parts = color.match(/[\d.]+/g);
    return parts && color.startsWith("rgb") ? parts.map(Number) : null;
  };
  const over = (top, below, alpha) => below.map((part, index) => top[index] * alpha + part * (1 - alpha));
  const background = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      if (color && (color[3] ?? 1) > 0) layers.push(color);
    }
    return layers.reverse().reduce((below, top) => over(top, below, top[3] ?? 1), [255, 255, 255]);
  };
  const painted = (text, card) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    return [...text.ownerSVGElement.querySelectorAll("path")]
      .filter(path => path.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)
      .filter(path => {
        const inside = path.getBoundingClientRect();
        if (x < inside.left || x > inside.right || y < inside.top || y > inside.bottom) return false;
        return path.isPointInFill(new DOMPoint(x, y).matrixTransform(path.getScreenCTM().inverse()));
      })
      .reduce((below, path) => {
        const style = getComputedStyle(path), fill = parse(style.fill);
        return fill ? over(fill, below, (fill[3] ?? 1) * style.fillOpacity * style.opacity) : below;
      }, card);
  };
  const bad = [];
  let count = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.getClientRects().length || element.closest("title, defs")) continue;
    const inSvg = element.closest("svg");
    const color = parse(getComputedStyle(element)[inSvg ? "fill" : "color"]);
    const behind = inSvg ? painted(element.closest("text"), background(inSvg)) : background(element);
    const [dim, bright] = [luminance(over(color, behind, color[3] ?? 1)), luminance(behind)].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dim + 0.05);
    count += 1;
    if (ratio < 4.5) bad.push(`${node.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return {count, bad};
})()
