// A photo developed onto a canvas: by the GPU where there is one, else by the processor; both look codes up in one table.

/** `draw` takes [3 × 256] codes: what becomes of R, then G, then B. */
export interface Painter {
  readonly how: "gpu" | "cpu";
  draw(codes: Uint8ClampedArray): void;
  close(): void;
}

const VERTEX = `#version 300 es
out vec2 place;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  place = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(2.0 * corner - 1.0, 0.0, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D photo;
uniform sampler2D codes;
in vec2 place;
out vec4 colour;
float looked(float value, int channel) { return texelFetch(codes, ivec2(int(value * 255.0 + 0.5), channel), 0).r; }
void main() {
  vec4 seen = texture(photo, place);
  colour = vec4(looked(seen.r, 0), looked(seen.g, 1), looked(seen.b, 2), 1.0);
}`;

/** The canvas takes the photo's size. Throws when the browser gives no canvas at all. */
export function painter(canvas: OffscreenCanvas, photo: ImageBitmap): Painter {
  canvas.width = photo.width;
  canvas.height = photo.height;
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, failIfMajorPerformanceCaveat: true });
  return gl ? onGpu(gl, photo) : onCpu(canvas, photo);
}

function onGpu(gl: WebGL2RenderingContext, photo: ImageBitmap): Painter {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error("no shader");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  ["photo", "codes"].forEach((name, unit) => {
    gl.uniform1i(gl.getUniformLocation(program, name), unit);
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
  });
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.activeTexture(gl.TEXTURE0);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, photo);
  gl.activeTexture(gl.TEXTURE1);
  return {
    how: "gpu",
    draw(codes) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, 256, 3, 0, gl.RED, gl.UNSIGNED_BYTE, new Uint8Array(codes));
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
    close() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}

function onCpu(canvas: OffscreenCanvas, photo: ImageBitmap): Painter {
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(photo, 0, 0);
  const source = context.getImageData(0, 0, photo.width, photo.height).data;
  const drawn = new ImageData(photo.width, photo.height);
  return {
    how: "cpu",
    draw(codes) {
      const target = drawn.data;
      for (let at = 0; at < source.length; at += 4) {
        target[at] = codes[source[at] ?? 0] ?? 0;
        target[at + 1] = codes[256 + (source[at + 1] ?? 0)] ?? 0;
        target[at + 2] = codes[512 + (source[at + 2] ?? 0)] ?? 0;
        target[at + 3] = 255;
      }
      context.putImageData(drawn, 0, 0);
    },
    close() {
      drawn.data.fill(0);
    },
  };
}
