// Sends a prepared signal and records what comes back, both counted in the same samples, so that the difference of
// two positions is the whole way: encoder, network, MCU, network, decoder.

class Loop extends AudioWorkletProcessor {
  constructor() {
    super();
    this.signal = new Float32Array(0);
    this.heard = new Float32Array(0);
    this.at = 0;
    this.running = false;
    this.port.onmessage = ({ data }) => {
      this.signal = data.signal;
      this.heard = new Float32Array(data.length);
      this.at = 0;
      this.running = true;
    };
  }

  process(inputs, outputs) {
    const out = outputs[0] && outputs[0][0];
    if (!this.running || !out) return true;
    const input = inputs[0] && inputs[0][0];
    const count = Math.min(out.length, this.heard.length - this.at);
    for (let n = 0; n < count; n++) {
      out[n] = this.signal[this.at + n] || 0;
      this.heard[this.at + n] = input ? input[n] : 0;
    }
    this.at += count;
    if (this.at >= this.heard.length) {
      this.running = false;
      this.port.postMessage(this.heard, [this.heard.buffer]);
    }
    return true;
  }
}

registerProcessor('loop', Loop);
