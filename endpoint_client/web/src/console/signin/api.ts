// Signing in and one's own account: password, second factor, sessions.

import { call, type User } from '../../lib/api';

export interface Methods {
  oidc: { title: string; url: string } | null;
}
export interface Enrolment {
  secret: string;
  uri: string;
  qr: string; // data:image/svg+xml
}
export interface SecondFactorState {
  in_use: boolean;
  required: boolean;
  recovery_codes_left: number;
}
export interface SessionInfo {
  id: string;
  created_at: number;
  seen_at: number;
  address: string;
  agent: string;
  method: string;
  present: boolean;
}

export const account = {
  signIn: (username: string, password: string, code: string) =>
    call<{ user: User }>('POST', '/session', code ? { username, password, code } : { username, password }),
  methods: () => call<Methods>('GET', '/session/methods'),
  changePassword: (present: string, wanted: string) => call('PUT', '/me/password', { present, wanted }),
  secondFactor: () => call<SecondFactorState>('GET', '/me/second-factor'),
  beginSecondFactor: () => call<Enrolment>('POST', '/me/second-factor'),
  confirmSecondFactor: (code: string) => call<{ codes: string[] }>('PUT', '/me/second-factor', { code }),
  endSecondFactor: (password: string) => call('POST', '/me/second-factor/end', { password }),
  renewCodes: (password: string) => call<{ codes: string[] }>('POST', '/me/recovery-codes', { password }),
  sessions: () => call<SessionInfo[]>('GET', '/me/sessions'),
  endSession: (id: string) => call('DELETE', `/me/sessions/${id}`),
};
