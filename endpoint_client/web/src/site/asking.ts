// Texts of what a site asks of the meeting: the floor, help, an answer to a cue; `en` must have the same keys as `vi`.

import { language } from '../lib/i18n.svelte';

const vi = {
  hand: 'Giơ tay',
  handUp: (position: number | null) => (position === null ? 'Hạ tay' : `Hạ tay (thứ ${position})`),
  report: 'Báo sự cố',
  title: 'Báo sự cố cho người vận hành',
  intro: 'Người vận hành điểm cầu chính thấy ngay báo cáo này, kèm số liệu đường truyền của điểm cầu.',
  category: 'Sự cố về',
  categories: {
    sound: 'Âm thanh (nhỏ, rè, không nghe được)',
    picture: 'Hình ảnh (mờ, giật, không có hình)',
    echo: 'Tiếng vọng',
    content: 'Trình chiếu',
    line: 'Đường truyền',
    power: 'Nguồn điện',
    room: 'Phòng họp, thiết bị khác',
    other: 'Việc khác',
  },
  text: 'Mô tả thêm (không bắt buộc)',
  send: 'Gửi báo cáo',
  states: {
    open: 'Đã gửi báo cáo sự cố. Người vận hành đã nhận được.',
    taken: 'Người vận hành đang xử lý sự cố.',
    solved: 'Người vận hành báo sự cố đã xử lý xong.',
  },
  checked: 'Đã kiểm tra',
  ready: 'Đã sẵn sàng',
  notOk: 'Chưa ổn',
  ringTitle: 'Mời vào họp',
  ringJoin: 'Vào họp ngay',
};

const en: typeof vi = {
  hand: 'Raise hand',
  handUp: (position) => (position === null ? 'Lower hand' : `Lower hand (no. ${position})`),
  report: 'Report a problem',
  title: 'Report a problem to the operator',
  intro: 'The operator of the main site sees this at once, with the figures of your line.',
  category: 'It is about',
  categories: {
    sound: 'Sound (low, crackling, nothing heard)',
    picture: 'Picture (blurred, jerky, none)',
    echo: 'Echo',
    content: 'Shared screen',
    line: 'Line',
    power: 'Power',
    room: 'Room, other equipment',
    other: 'Something else',
  },
  text: 'More about it (optional)',
  send: 'Send',
  states: {
    open: 'Your report was sent. The operator has it.',
    taken: 'The operator is working on it.',
    solved: 'The operator says that it is solved.',
  },
  checked: 'Checked',
  ready: 'We are ready',
  notOk: 'It does not work',
  ringTitle: 'You are called',
  ringJoin: 'Join now',
};

/** The words of the current language. */
export function asking(): typeof vi {
  return language() === 'vi' ? vi : en;
}
